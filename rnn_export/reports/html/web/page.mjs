// The page: runs what the browser can, and shows the verdicts. The result is `window.conformance` too, for programs.

import { worst } from './judging.mjs';
import { providers, runAll } from './running.mjs';
import { digest, fetched, load } from './vectors.mjs';

const find = (id) => document.getElementById(id);
const NAMES = { wasm: 'WebAssembly', webgpu: 'WebGPU' };
const TONES = { PASS: 'good', FAIL: 'bad', CRASHED: 'bad' };

async function main() {
  document.body.dataset.state = 'running';
  const results = [];
  let problem = null;
  try {
    const manifest = JSON.parse(new TextDecoder().decode(await fetched('cases.json')));
    describe(manifest);
    const model = await fetched(manifest.model.file);
    const sha256 = await digest(model);
    const same = sha256 === null || sha256 === manifest.model.sha256;
    find('digest').textContent = sha256 === null ? 'not checked: the page has to come over https or from this machine'
      : same ? 'the file that was verified' : 'another file than the one that was verified';
    if (!same) problem = 'The model is not the file that the artifact was verified with.';
    const cases = await Promise.all(manifest.cases.map(load));
    for (const provider of await providers()) {
      say(`Running on ${NAMES[provider]} …`);
      await runAll(provider, manifest, model, cases, (result) => {
        results.push(result);
        add(result);
      });
    }
    conclude(manifest, results, problem);
  } catch (error) {
    conclude(null, results, String(error.message ?? error));
  }
}

function describe(manifest) {
  document.title = `${manifest.source} in this browser`;
  find('source').textContent = manifest.source;
  find('form').textContent = manifest.form;
  find('network').textContent = manifest.network;
  find('version').textContent = manifest.onnxruntime_web;
  find('browser').textContent = navigator.userAgent;
}

function say(text) {
  find('said').textContent = text;
}

function add(result) {
  const row = document.createElement('tr');
  const { inputs } = result;
  const sizes = [inputs.batch, inputs.time].filter((size) => size !== null && size !== undefined).join('×');
  cell(row, 'th', named(result));
  cell(row, 'td', `${inputs.kind ?? 'opening'} ${sizes}`, 'quiet');
  cell(row, 'td', result.verdict, TONES[result.verdict] ?? 'doubtful');
  cell(row, 'td', number(result.max_ratio, 2), 'number');
  cell(row, 'td', number(result.effective_bits, 3), 'number');
  cell(row, 'td', result.verified_steps ?? '', 'number');
  cell(row, 'td', number(result.milliseconds, 3), 'number');
  find('rows').append(row);
  if (result.reason) {
    const line = document.createElement('li');
    line.textContent = `${result.verdict} on ${named(result)}, ${inputs.kind ?? 'opening'}: ${result.reason}`;
    find('reasons').append(line);
  }
}

function conclude(manifest, results, problem) {
  // The WebAssembly provider is the one that every browser has; another that cannot open the model takes nothing away.
  const counted = results.filter((item) => item.runtime.endsWith(':wasm') || item.verdict !== 'UNSUPPORTED');
  const verdict = problem ? 'FAIL' : worst(counted.map((item) => item.verdict));
  const ran = [...new Set(counted.map(named))];
  find('verdict').textContent = verdict;
  find('verdict').parentElement.className = `verdict ${TONES[verdict] ?? 'doubtful'}`;
  say(problem ?? (verdict === 'PASS'
    ? `This browser computes what Keras means, on ${ran.join(' and ')}.`
    : 'This browser does not compute what Keras means. The table and the reasons below tell where.'));
  const opened = results.find((item) => item.opened !== undefined);
  if (opened) find('opened').textContent = `${opened.opened.toFixed(0)} ms`;
  const report = { schema: 1, verdict, problem, source: manifest && manifest.source, browser: navigator.userAgent, cases: results };
  const text = JSON.stringify(report, (key, value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value), 2);
  window.conformance = JSON.parse(text);
  find('result').href = `data:application/json;charset=utf-8,${encodeURIComponent(text)}`;
  find('result').hidden = false;
  document.body.dataset.verdict = verdict;
  document.body.dataset.state = 'done';
}

function named(result) {
  return NAMES[result.runtime.replace('onnxruntime-web:', '')];
}

function cell(row, kind, text, name = '') {
  const made = document.createElement(kind);
  made.textContent = text;
  made.className = name;
  row.append(made);
}

function number(value, digits) {
  if (value === null || value === undefined) return '';
  if (!Number.isFinite(value)) return '∞';
  return value >= 1e4 ? value.toExponential(1) : Number(value.toPrecision(digits)).toString();
}

main();
