// Reads a TensorProto of ONNX (test_data_set_0/*.pb) as { name, type, dims, data }, in Node and in browsers.

const KINDS = {
  1: ["float32", Float32Array],
  2: ["uint8", Uint8Array],
  3: ["int8", Int8Array],
  6: ["int32", Int32Array],
  7: ["int64", BigInt64Array],
  9: ["bool", Uint8Array],
  11: ["float64", Float64Array],
};

export function readTensor(bytes) {
  const dims = [];
  let at = 0, name = "", kind = 0, raw = new Uint8Array();
  const varint = () => {
    let value = 0, scale = 1, byte;
    do {
      byte = bytes[at++];
      value += (byte & 127) * scale;
      scale *= 128;
    } while (byte & 128);
    return value;
  };
  while (at < bytes.length) {
    const tag = varint(), field = tag >> 3;
    if ((tag & 7) === 0) {
      const value = varint();
      if (field === 1) dims.push(value);
      if (field === 2) kind = value;
    } else if ((tag & 7) === 2) {
      const length = varint(), end = at + length;
      if (field === 8) name = new TextDecoder().decode(bytes.subarray(at, end));
      // Copied, since a typed array has to begin where its elements may.
      if (field === 9) raw = bytes.slice(at, end);
      if (field === 1) while (at < end) dims.push(varint());
      at = end;
    } else {
      throw new Error(`${name}: a field that no tensor of ours has`);
    }
  }
  const [type, Kind] = KINDS[kind] ?? [];
  if (!Kind) throw new Error(`${name}: element type ${kind} is not read here`);
  return { name, type, dims, data: new Kind(raw.buffer, 0, raw.byteLength / Kind.BYTES_PER_ELEMENT) };
}

// Runs a model on the inputs and returns the largest difference of each output from what it should be.
export async function differences(ort, session, inputs, outputs) {
  const feeds = {};
  for (const { name, type, dims, data } of inputs) feeds[name] = new ort.Tensor(type, data, dims);
  const results = await session.run(feeds);
  return outputs.map(({ name, data: right }) => {
    const got = results[name].data;
    if (got.length !== right.length) throw new Error(`${name}: ${got.length} values, not ${right.length}`);
    let largest = 0;
    for (let i = 0; i < right.length; i++) {
      const off = Math.abs(Number(got[i]) - Number(right[i]));
      if (!(off <= largest)) largest = off; // NaN is a difference too
    }
    return { name, dims: results[name].dims, largest };
  });
}
