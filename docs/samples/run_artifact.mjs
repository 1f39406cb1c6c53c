// Runs an artifact's model on its test data in Node: node run_artifact.mjs ARTIFACT [FILE.onnx]
// Needs: npm install onnxruntime-node

import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { differences, readTensor } from "./tensor.mjs";

const ort = createRequire(join(process.cwd(), "here.js"))("onnxruntime-node");
const [artifact, model = "rnn.onnx"] = process.argv.slice(2);
const data = join(artifact, "test_data_set_0");
const read = (kind) =>
  readdirSync(data)
    .filter((name) => name.startsWith(kind))
    .map((name) => readTensor(new Uint8Array(readFileSync(join(data, name)))));

const session = await ort.InferenceSession.create(join(artifact, model), { intraOpNumThreads: 1 });
for (const { name, dims, largest } of await differences(ort, session, read("input"), read("output"))) {
  console.log(`${name} [${dims}]: largest difference ${largest.toPrecision(3)}`);
}
