// The judge in the browser: what a session gave, against the float64 reference and its bound, element by element.
// The rules are those of rnn_export/verifier/comparing.py; a test holds the two against each other.

const LARGEST = { float64: Number.MAX_VALUE, float32: (2 - 2 ** -23) * 2 ** 127, float16: 65504 };
const UNIT = { float64: 2 ** -53, float32: 2 ** -24, float16: 2 ** -11 };

/** |shown - value| / bound; infinite wherever the two are not comparably near. */
export function ratio(shown, value, bound, dtype) {
  if (!Number.isFinite(shown) || !Number.isFinite(value)) {
    if (Number.isNaN(shown) && Number.isNaN(value)) return 0;
    if (shown === value) return 0;
    const slack = Number.isFinite(bound) ? bound : 0;
    const overflows = Math.abs(value) + slack >= LARGEST[dtype] && Math.sign(value) === Math.sign(shown);
    return overflows && Math.abs(shown) === Infinity ? 0 : Infinity;
  }
  const away = Math.abs(shown - value);
  return away === 0 ? 0 : away / bound;
}

/** Where an element stands: (batch, time, ..., unit), or (batch, unit) for an output without time. */
export function place(index, shape) {
  const at = [];
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    at[axis] = index % shape[axis];
    index = Math.floor(index / shape[axis]);
  }
  const found = { row: at[0] };
  if (shape.length > 2) found.step = at[1];
  if (shape.length > 1) found.unit = at[shape.length - 1];
  return found;
}

/** Compare one output; `shown` is {dtype, shape, data}, `expected` the same with value and bound. */
export function compare(shown, expected) {
  const { name, dtype, shape, value, bound } = expected;
  if (!shown) return refused(`expected an output ${name}, got none`);
  if (shown.dtype !== dtype) return refused(`output ${name}: expected ${dtype}, got ${shown.dtype}`);
  if (shown.shape.join() !== shape.join()) {
    return refused(`output ${name}: expected shape (${shape.join(', ')}), got (${shown.shape.join(', ')})`);
  }
  const found = {
    failed: false, elements: 0, beyond: 0, ratio: 0, error: 0, where: null, reason: '', squares: [0, 0], steps: expected.steps,
  };
  let first = Infinity;
  for (let at = 0; at < value.length; at += 1) {
    if (bound[at] === Infinity) continue; // Beyond the horizon nothing can be told from a fault.
    const is = bound[at] === 0 && typeof value[at] === 'bigint'
      ? (shown.data[at] === value[at] ? 0 : Infinity)
      : ratio(shown.data[at], value[at], bound[at], dtype);
    found.elements += 1;
    const wrong = !(is <= 1);
    const here = place(at, shape);
    const time = here.step ?? 0;
    if (wrong) found.beyond += 1;
    // The earliest fault in time, or without one the worst ratio.
    if (wrong ? time < first : first === Infinity && (found.where === null || is > found.ratio)) {
      found.where = here;
      if (wrong) first = time;
    }
    found.ratio = Math.max(found.ratio, Number.isNaN(is) ? Infinity : is);
    if (typeof value[at] === 'bigint') continue;
    const away = Math.abs(Number(shown.data[at]) - Number(value[at]));
    if (Number.isFinite(away)) {
      found.error = Math.max(found.error, away);
      found.squares[0] += away * away;
      found.squares[1] += bound[at] * bound[at];
    }
  }
  if (found.beyond) {
    found.failed = true;
    const w = found.where;
    const at = ['step', 'unit', 'row'].filter((key) => w[key] !== undefined).map((key) => `${key} ${w[key]}`).join(', ');
    const most = Number.isFinite(found.ratio) ? `${found.ratio.toPrecision(3)} times` : 'not comparably near';
    found.reason = `output ${name} lies outside its bound at ${at} (${found.beyond} elements, at most ${most} the bound)`;
  }
  return found;
}

/**
 * The verdict on one run: outputs by name, against all that were expected, in the words of the Python judge.
 * `sigmas` is how many predicted standard deviations a bound is.
 */
export function judge(outputs, expected, sigmas) {
  const extra = Object.keys(outputs).filter((name) => !expected.some((item) => item.name === name));
  const all = expected.map((item) => compare(outputs[item.name], item));
  if (extra.length) all.push(refused(`expected no output ${extra.join(', ')}`));
  const failed = all.find((item) => item.failed);
  const compared = all.filter((item) => item.elements);
  const worst = compared.reduce((a, b) => (a && a.ratio >= b.ratio ? a : b), null);
  const steps = compared.filter((item) => item.steps !== null).map((item) => item.steps);
  const made = {
    verdict: 'PASS', reason: null, model: 'global', max_ratio: worst && worst.ratio,
    max_abs_error: worst && Math.max(...compared.map((item) => item.error)),
    effective_bits: bits(compared, expected, sigmas), verified_steps: steps.length ? Math.min(...steps) : null,
    where: worst && worst.where,
  };
  if (failed) return { ...made, verdict: 'FAIL', reason: failed.reason, where: failed.where };
  if (!compared.length) return { ...made, verdict: 'UNVERIFIABLE', reason: 'nothing was compared' };
  if (made.verified_steps === 0) {
    return { ...made, verdict: 'UNVERIFIABLE', reason: 'rounding errors grow past what can be told from a fault before the first step' };
  }
  return made;
}

/** The worst of several verdicts. */
export function worst(verdicts) {
  const order = ['CRASHED', 'FAIL', 'UNSUPPORTED', 'UNVERIFIABLE', 'PASS'];
  return order.find((name) => verdicts.includes(name)) ?? 'UNVERIFIABLE';
}

function bits(compared, expected, sigmas) {
  const error = compared.reduce((sum, item) => sum + item.squares[0], 0);
  const bound = compared.reduce((sum, item) => sum + item.squares[1], 0);
  const unit = UNIT[(expected.find((item) => item.dtype in UNIT) ?? {}).dtype];
  return error > 0 && bound > 0 && unit ? -Math.log2(unit) - Math.log2(Math.sqrt(error) / (Math.sqrt(bound) / sigmas)) : null;
}

function refused(reason) {
  return { failed: true, elements: 0, beyond: 0, ratio: Infinity, error: 0, where: null, reason, squares: [0, 0], steps: null };
}
