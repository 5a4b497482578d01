"""One story per thing that can go wrong on a plasma chain; `devnet.scenarios` lists and plays them."""
