// Holds onnxruntime sessions in Node and answers node.py, in the frames of frames.py, on two pipes of its own.
"use strict";

const fs = require("fs");

const [, , folder, readFd, writeFd] = process.argv;
const input = Number(readFd);
const output = Number(writeFd);

// NumPy's dtype: [onnxruntime's type, the array that holds it]. float16 travels as its bits.
const DTYPES = {
  float32: ["float32", Float32Array],
  float64: ["float64", Float64Array],
  float16: ["float16", Uint16Array],
  int8: ["int8", Int8Array],
  int16: ["int16", Int16Array],
  int32: ["int32", Int32Array],
  int64: ["int64", BigInt64Array],
  uint8: ["uint8", Uint8Array],
  uint16: ["uint16", Uint16Array],
  uint32: ["uint32", Uint32Array],
  uint64: ["uint64", BigUint64Array],
  bool: ["bool", Uint8Array],
};

function readExactly(size) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const count = fs.readSync(input, bytes, at, size - at, null);
    if (count === 0) process.exit(0); // the worker is gone
    at += count;
  }
  return bytes;
}

function readFrame() {
  const prefix = Buffer.from(readExactly(12).buffer);
  const header = JSON.parse(Buffer.from(readExactly(Number(prefix.readBigUInt64BE(4)))).toString());
  const arrays = header.arrays.map(([name, dtype, dims, size]) => ({ name, dtype, dims, bytes: readExactly(size) }));
  return { header, arrays };
}

function writeAll(bytes) {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(output, bytes, at);
}

function writeFrame(header, tensors) {
  const packed = tensors.map(([name, tensor]) => {
    const data = tensor.data;
    return [name, tensor.type, tensor.dims.map(Number), Buffer.from(data.buffer, data.byteOffset, data.byteLength)];
  });
  const arrays = packed.map(([name, type, dims, bytes]) => [name, type, dims, bytes.length]);
  const head = Buffer.from(JSON.stringify({ ...header, arrays }));
  const prefix = Buffer.alloc(12);
  prefix.write("RNNX", 0, "ascii");
  prefix.writeBigUInt64BE(BigInt(head.length), 4);
  writeAll(Buffer.concat([prefix, head]));
  for (const [, , , bytes] of packed) writeAll(bytes);
}

const ort = require(folder);
const sessions = new Map();
let opened = 0;

function tensor({ dtype, dims, bytes }) {
  if (!(dtype in DTYPES)) throw new Error(`no tensor of dtype ${dtype}`);
  const [type, Kind] = DTYPES[dtype];
  return new ort.Tensor(type, new Kind(bytes.buffer), dims);
}

async function open(header) {
  const web = header.provider === "wasm";
  if (web) ort.env.wasm.numThreads = header.threads;
  const session = await ort.InferenceSession.create(web ? new Uint8Array(fs.readFileSync(header.path)) : header.path, {
    executionProviders: [header.provider],
    intraOpNumThreads: header.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 2,
  });
  opened += 1;
  sessions.set(opened, session);
  return [{ session: opened }, []];
}

async function run(header, arrays) {
  const session = sessions.get(header.session);
  const results = await session.run(Object.fromEntries(arrays.map((array) => [array.name, tensor(array)])));
  return [{}, session.outputNames.map((name) => [name, results[name]])];
}

async function close(header) {
  await sessions.get(header.session).release();
  sessions.delete(header.session);
  return [{}, []];
}

(async () => {
  for (;;) {
    const { header, arrays } = readFrame();
    try {
      writeFrame(...(await { open, run, close }[header.ask](header, arrays)));
    } catch (error) {
      // Whatever it is becomes a message: the caller is in another language.
      const text = String((error && error.message) || error);
      writeFrame({ error: text.split("\n")[0], stack: String((error && error.stack) || text) }, []);
    }
  }
})();
