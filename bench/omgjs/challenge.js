// What a user would run today: poll the Watcher, and challenge every invalid exit it reports.
// Settings come from the environment, so that the key is in no process list. One JSON line per challenge.
'use strict'

const ChildChain = require('@omisego/omg-js-childchain')
const RootChain = require('@omisego/omg-js-rootchain')
const Web3 = require('web3')

const { WATCHER_URL, RPC_URL, CONTRACT, PRIVATE_KEY } = process.env
const POLL_MS = 100

const web3 = new Web3(new Web3.providers.HttpProvider(RPC_URL))
const childChain = new ChildChain({ watcherUrl: WATCHER_URL, plasmaContractAddress: CONTRACT })
const rootChain = new RootChain({ web3, plasmaContractAddress: CONTRACT })
const account = web3.eth.accounts.privateKeyToAccount(PRIVATE_KEY)
const answered = new Set()

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n')
const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS))

async function challenge (position) {
  const data = await childChain.getChallengeData(position)
  return rootChain.challengeStandardExit({
    standardExitId: data.exit_id,
    exitingTx: data.exiting_tx,
    challengeTx: data.txbytes,
    inputIndex: data.input_index,
    challengeTxSig: data.sig,
    txOptions: { privateKey: account.privateKey, from: account.address }
  })
}

async function poll () {
  const status = await childChain.status()
  for (const { event, details } of status.byzantine_events) {
    const position = details.utxo_pos
    if (event !== 'invalid_exit' || answered.has(String(position))) continue
    answered.add(String(position))
    try {
      const receipt = await challenge(position)
      say({ position: String(position), hash: receipt.transactionHash })
    } catch (error) {
      say({ position: String(position), error: String(error) })
    }
  }
}

async function main () {
  // The contracts are looked up before the first fraud, as a program that has run for a while has done.
  await rootChain.getPaymentExitGame()
  say({ ready: account.address })
  for (;;) {
    await poll().catch((error) => say({ error: String(error) }))
    await pause()
  }
}

main()
