// SPDX-License-Identifier: Apache-2.0
// Run by a test with @polkadot/api beside it: transfers on the node at the given address, hears of blocks meanwhile,
// reads storage, and prints what it saw as one line of JSON.
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';

const TAO = 1_000_000_000n;
const api = await ApiPromise.create({ provider: new WsProvider(process.argv[2]), noInitWarn: true });
const keyring = new Keyring({ type: 'sr25519' });
const alice = keyring.addFromUri('//Alice');
const bob = keyring.addFromUri('//Bob');
const free = async (who) => (await api.query.system.account(who.address)).data.free.toBigInt();

function sent(transaction) {
  return new Promise((resolve, reject) => {
    transaction
      .signAndSend(alice, ({ dispatchError, events, status }) => {
        if (dispatchError) reject(new Error(dispatchError.toString()));
        if (status.isFinalized) resolve(events.map(({ event }) => `${event.section}.${event.method}`));
      })
      .catch(reject);
  });
}

const heads = [];
const unsubscribe = await api.rpc.chain.subscribeNewHeads((head) => heads.push(head.number.toNumber()));
const before = await free(bob);
const events = await sent(api.tx.balances.transferKeepAlive(bob.address, TAO));
await sent(api.tx.balances.transferKeepAlive(bob.address, TAO));
const networks = await api.query.subtensorModule.networksAdded.entries();
process.stdout.write(
  JSON.stringify({
    chain: (await api.rpc.system.chain()).toString(),
    events,
    gained: Number((await free(bob)) - before),
    heads,
    hotkey: (await api.query.subtensorModule.keys(1, 0)).toString(),
    networks: networks.map(([key, added]) => [key.args[0].toNumber(), added.isTrue]),
    price: Number((await api.call.swapRuntimeApi.currentAlphaPrice(1)).toBigInt()),
    spec: api.runtimeVersion.specVersion.toNumber(),
    tempo: (await api.query.subtensorModule.tempo(1)).toNumber(),
  }),
);
unsubscribe();
await api.disconnect();
