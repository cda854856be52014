// Transaction ids and the watermark: what of a coordinator can no longer come (P5).
'use strict';

function parse(text) {
  const m = /^c([1-9][0-9]*)\.([1-9][0-9]*)\.([1-9][0-9]*)$/.exec(text);
  if (!m) return null;
  return { coordinator: Number(m[1]), epoch: Number(m[2]), sequence: BigInt(m[3]) };
}

// compare orders two ids of one coordinator as they were issued.
function compare(a, b) {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  return a.sequence < b.sequence ? -1 : a.sequence > b.sequence ? 1 : 0;
}

// markOf writes a mark (a decimal string of 64 bits) as it stands in names.
function markOf(decimal) {
  return BigInt(decimal).toString(16).padStart(16, '0');
}

// name is what stands for a transaction for ever: id and mark.
function name(id, mark) {
  return `${id}.${markOf(mark)}`;
}

// Passed is, per coordinator, the highest watermark told and the ids below it that may still come.
class Passed {
  constructor() {
    this.told = new Map();
  }

  // hear takes a sender's watermark, unless a later one was told: unary messages overtake each other.
  hear(from) {
    const mark = parse(from.watermark);
    if (!mark || mark.coordinator !== from.coordinator) return false;
    const old = this.told.get(from.coordinator);
    const order = old ? compare(mark, old.mark) : 1;
    if (order < 0 || (order === 0 && from.open.length >= old.open.size)) return false;
    this.told.set(from.coordinator, { mark, open: new Set(from.open) });
    return true;
  }

  has(id) {
    const p = parse(id);
    const told = p && this.told.get(p.coordinator);
    return Boolean(told) && compare(p, told.mark) < 0 && !told.open.has(id);
  }

  // epoch is the lowest whose ids may still come from this coordinator.
  epoch(coordinator) {
    return this.told.get(coordinator)?.mark.epoch ?? 0;
  }
}

module.exports = { parse, markOf, name, Passed };
