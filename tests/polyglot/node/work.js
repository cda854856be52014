// What the work of a branch does to the store: operations in order, later ones see earlier ones. Nothing is changed
// here: the outcome is a list of new values, for the promise to keep and the commit to apply.
'use strict';

const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
const DECIMAL = /^-?(0|[1-9][0-9]*)$/;

// Refused is a No that a client caused: an expectation is unmet, or the work cannot be read.
class Refused extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

// execute runs a KvWork against read(key) -> text or undefined. It gives the keys that were touched, what is to be
// written ([key, text or null]), and what the reading operations found.
function execute(work, read) {
  if (!work || work.kind !== 'kv') throw new Refused('bad_work', 'only key-value work is understood here');
  const fresh = new Map();
  const touched = new Set();
  const results = [];
  work.kv.ops.forEach((op, index) => {
    const body = op[op.op];
    if (!body) throw new Refused('bad_work', `operation ${index} is unknown`);
    const key = body.key.toString('utf8');
    touched.add(key);
    const now = fresh.has(key) ? fresh.get(key) : read(key) ?? null;
    switch (op.op) {
      case 'put':
        fresh.set(key, body.value.toString('utf8'));
        break;
      case 'delete':
        fresh.set(key, null);
        break;
      case 'get':
        results.push({ op: index, kind: 'get', key: body.key, found: now !== null, value: Buffer.from(now ?? '') });
        break;
      case 'add':
        fresh.set(key, add(body, key, now));
        break;
      case 'check':
        check(body, key, now);
        break;
    }
  });
  return { touched: [...touched], writes: [...fresh], results };
}

function add(body, key, now) {
  const text = now ?? '0';
  if (!DECIMAL.test(text)) throw new Refused('refused', `${key} is not a number`);
  const sum = BigInt(text) + BigInt(body.by);
  if (sum > MAX_INT || sum < MIN_INT) throw new Refused('refused', `${key} would overflow`);
  if (body._min === 'min' && sum < BigInt(body.min)) throw new Refused('refused', `${key} would be ${sum}, below ${body.min}`);
  if (body._max === 'max' && sum > BigInt(body.max)) throw new Refused('refused', `${key} would be ${sum}, above ${body.max}`);
  return sum.toString();
}

function check(body, key, now) {
  const wanted = body._value === 'value' ? body.value.toString('utf8') : null;
  if (body.exists !== (now !== null)) throw new Refused('refused', `${key} ${now === null ? 'is absent' : 'exists'}`);
  if (wanted !== null && wanted !== now) throw new Refused('refused', `${key} has another value`);
}

module.exports = { execute, Refused };
