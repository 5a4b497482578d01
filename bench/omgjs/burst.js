// What a user would write for a thousand frauds at once: omg-js as it is, with nonces counted here, and each
// promise resolved on the transaction hash instead of on the receipt. So many calls are under way at once as
// AT_ONCE says. Prints one JSON line when it is ready, and one when all hashes are there.
'use strict'

const ChildChain = require('@omisego/omg-js-childchain')
const RootChain = require('@omisego/omg-js-rootchain')
const txUtils = require('@omisego/omg-js-rootchain/src/txUtils')
const Web3 = require('web3')
const { keccak256 } = require('ethereumjs-util')

const { WATCHER_URL, RPC_URL, CONTRACT, PRIVATE_KEY, AT_ONCE } = process.env
const POLL_MS = 100

const web3 = new Web3(new Web3.providers.HttpProvider(RPC_URL))
const childChain = new ChildChain({ watcherUrl: WATCHER_URL, plasmaContractAddress: CONTRACT })
const rootChain = new RootChain({ web3, plasmaContractAddress: CONTRACT })
const account = web3.eth.accounts.privateKeyToAccount(PRIVATE_KEY)
const callbacks = { onReceipt: () => {}, onConfirmation: () => {} }

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n')
const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS))

async function challenge (position, nonce, { address, contract }) {
  const data = await childChain.getChallengeData(position)
  const call = txUtils.getTxData(web3, contract, 'challengeStandardExit', [
    txUtils.int192toHex(data.exit_id), data.exiting_tx, data.txbytes, data.input_index, data.sig,
    keccak256(account.address)
  ])
  const txDetails = { from: account.address, to: address, data: call, nonce }
  return txUtils.sendTx({ web3, txDetails, privateKey: account.privateKey, callbacks })
}

async function main () {
  const game = await rootChain.getPaymentExitGame()
  let nonce = await web3.eth.getTransactionCount(account.address)
  say({ ready: account.address })
  let events = []
  while (events.length === 0) {
    await pause()
    events = (await childChain.status()).byzantine_events.filter((each) => each.event === 'invalid_exit')
  }
  const queue = events.map((each) => each.details.utxo_pos)
  const worker = async () => {
    while (queue.length > 0) await challenge(queue.shift(), nonce++, game)
  }
  await Promise.all(Array.from({ length: Number(AT_ONCE) }, worker))
  say({ sent: events.length })
}

main().catch((error) => { say({ error: String(error) }); process.exit(1) })
