// One model on one execution provider of onnxruntime-web: open it, run every case, judge, take the time.

import { judge } from './judging.mjs';
import { fetched, shown } from './vectors.mjs';

const BUNDLES = { wasm: './ort/ort.wasm.bundle.min.mjs', webgpu: './ort/ort.webgpu.bundle.min.mjs' };
const LEAST_TIME = 200; // ms; browsers' clocks are coarse, so that runs are timed many at once.

/** The providers that this browser can be asked for. */
export async function providers() {
  const found = ['wasm'];
  if (navigator.gpu && await navigator.gpu.requestAdapter()) found.push('webgpu');
  return found;
}

/** Run all cases; `tell` gets each result as it is there, and every one is in the report's words. */
export async function runAll(provider, manifest, model, cases, tell) {
  const runtime = `onnxruntime-web:${provider}`;
  const blank = { form: manifest.form, runtime, version: manifest.onnxruntime_web };
  let session;
  let ort;
  const begun = performance.now();
  try {
    ort = await import(BUNDLES[provider]);
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    const externalData = await Promise.all(manifest.external.map(
      async (item) => ({ path: item.name, data: new Uint8Array(await fetched(item.file)) })));
    session = await ort.InferenceSession.create(
      model, { executionProviders: provider === 'wasm' ? ['wasm'] : [provider, 'wasm'], externalData });
  } catch (error) {
    tell({ ...blank, inputs: {}, verdict: 'UNSUPPORTED', reason: String(error.message ?? error) });
    return;
  }
  const opened = performance.now() - begun;
  for (const entry of cases) {
    const inputs = { kind: entry.kind, batch: entry.batch, time: entry.time, seed: entry.seed };
    try {
      const feeds = Object.fromEntries(entry.inputs.map(
        (item) => [item.name, new ort.Tensor(item.dtype, item.data, item.shape)]));
      const outputs = await session.run(feeds);
      const read = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, shown(tensor)]));
      const verdict = judge(read, entry.outputs, manifest.sigmas);
      tell({ ...blank, inputs, ...verdict, milliseconds: await timed(session, feeds), opened });
    } catch (error) {
      tell({ ...blank, inputs, verdict: 'CRASHED', reason: String(error.message ?? error), opened });
    }
  }
  await session.release();
}

async function timed(session, feeds) {
  const begun = performance.now();
  let runs = 0;
  do {
    await session.run(feeds);
    runs += 1;
  } while (performance.now() - begun < LEAST_TIME);
  return (performance.now() - begun) / runs;
}
