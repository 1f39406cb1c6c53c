// Test vectors: little-endian files beside the page, as tensors for onnxruntime-web and as numbers for the judge.

const ARRAYS = {
  float64: Float64Array, float32: Float32Array, float16: Uint16Array, int64: BigInt64Array, uint64: BigUint64Array,
  int32: Int32Array, uint32: Uint32Array, int16: Int16Array, uint16: Uint16Array, int8: Int8Array, uint8: Uint8Array,
  bool: Uint8Array,
};

export async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: HTTP status ${answer.status}`);
  return answer.arrayBuffer();
}

/** Read the inputs and expected outputs of a case into memory. */
export async function load(entry) {
  const inputs = await Promise.all(entry.inputs.map(async (item) => ({ ...item, data: await values(item.file, item.dtype) })));
  const outputs = await Promise.all(entry.outputs.map(async (item) => ({
    ...item,
    value: await values(item.value, item.exact ? item.dtype : 'float64'),
    bound: await values(item.bound, 'float64'),
  })));
  return { ...entry, inputs, outputs };
}

async function values(file, dtype) {
  const data = await fetched(file);
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) throw new Error('this machine is big-endian');
  return new ARRAYS[dtype](data);
}

/** What a tensor of onnxruntime-web holds, as the judge takes it. */
export function shown(tensor) {
  const halves = tensor.type === 'float16' && tensor.data instanceof Uint16Array;
  return { dtype: tensor.type, shape: [...tensor.dims], data: halves ? Float64Array.from(tensor.data, half) : tensor.data };
}

/** The number that 16 bits stand for. Source: IEEE 754, binary16. */
export function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** sha256 in hexadecimal; null where the browser has none, on plain http from another machine. */
export async function digest(data) {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
