// The participant's half of the protocol, one method per message. Node runs one of them at a time and the store writes
// synchronously, so each is one step: no message sees another half done.
'use strict';

const crypto = require('crypto');
const ids = require('./ids');
const { execute, Refused } = require('./work');

class Branches {
  constructor({ name, cluster, store, encodeResults, decodeWork }) {
    Object.assign(this, { self: name, cluster, store, encodeResults, decodeWork });
    this.incarnation = drawIncarnation();
    this.passed = new ids.Passed();
    this.noes = new Map(); // name -> reason: what was refused or aborted, until it can no longer come (P4, P5)
    this.locks = new Map(); // key -> name of its holder
    for (const p of store.promises.values()) this.lock(p.name, p.touched);
  }

  lock(name, keys) {
    for (const key of keys) this.locks.set(key, name);
  }

  release(promise) {
    for (const key of promise.touched) this.locks.delete(key);
  }

  // hear judges the sender of a message (P6). It gives the opening to show if the sender is refused, else null; a newer
  // one is durable before it returns.
  hear(from) {
    const top = this.store.highest(from.coordinator);
    if (from.epoch === 0 || (top && (from.epoch < top.epoch || (from.epoch === top.epoch && from.mark !== top.mark)))) {
      return top ?? { coordinator: from.coordinator };
    }
    if (!top || from.epoch > top.epoch) this.store.write(this.store.hear(from, this.passed.epoch(from.coordinator), false));
    if (this.passed.hear(from)) this.forget();
    return null;
  }

  forget() {
    for (const name of this.noes.keys()) {
      if (this.passed.has(idOf(name))) this.noes.delete(name);
    }
    this.store.forget(this.passed);
  }

  // witness is what goes into the journal with each promise and each applied commit (C6).
  witness(from) {
    return this.store.hear(from, this.passed.epoch(from.coordinator), true);
  }

  shown(coordinator) {
    return { seen: this.store.highest(coordinator), stamp: this.store.stamp };
  }

  prepare(req) {
    const fenced = this.hear(req.from);
    if (fenced) return { vote: 'NO', reason: reason('fenced', 'a later opening of this coordinator is known here'), seen: fenced };
    const tell = (vote) => ({ ...vote, ...this.shown(req.from.coordinator) });
    if (req.incarnation !== this.incarnation) {
      return tell({ vote: 'NO', reason: reason('lost_vote', 'the participant has started anew'), certain: false });
    }
    const name = ids.name(req.id, req.from.mark);
    const promised = this.store.promises.get(name);
    if (promised) return tell({ vote: promised.vote, results: Buffer.from(promised.results, 'base64') });
    if (this.store.proofs.has(name)) return tell(no('abort_only', 'the branch has ended'));
    if (this.noes.has(name)) return tell({ vote: 'NO', certain: true, reason: this.noes.get(name) });
    if (this.passed.has(req.id)) return tell(no('below_watermark', 'too old'));
    return tell(this.vote(req, name));
  }

  vote(req, name) {
    const refuse = (why) => {
      this.noes.set(name, why);
      return { vote: 'NO', certain: true, reason: why };
    };
    if (req._work !== 'work') return refuse(reason('wrong_calls', 'no call has opened this branch'));
    let done;
    try {
      done = execute(this.decodeWork(req.work), (key) => this.store.data.get(key));
    } catch (err) {
      if (err instanceof Refused) return refuse(reason(err.code, err.message));
      return refuse(reason('bad_work', err.message));
    }
    const held = done.touched.find((key) => this.locks.has(key));
    if (held !== undefined) return refuse(reason('conflict', `${held} is held by ${this.locks.get(held)}`));
    const results = this.encodeResults(done.results);
    if (done.writes.length === 0 && req.may_release) return { vote: 'READ_ONLY', results };
    const vote = done.writes.length === 0 ? 'HELD' : 'YES';
    const promise = {
      name, id: req.id, mark: req.from.mark, members: req.members, age: req.age, since: Date.now(), vote,
      touched: done.touched, writes: done.writes, results: results.toString('base64'),
    };
    this.store.write(this.witness(req.from), { t: 'promise', promise, stamp: this.store.stamp + 1 });
    this.lock(name, done.touched);
    return { vote, results };
  }

  commit(req) {
    const fenced = this.hear(req.from);
    if (fenced) return { reason: reason('fenced', 'a later opening of this coordinator is known here'), seen: fenced };
    const fate = this.applyCommit(ids.name(req.id, markOf(req)), req.from);
    return { fate, ...this.shown(req.from.coordinator) };
  }

  abort(req) {
    const fenced = this.hear(req.from);
    if (fenced) return { reason: reason('fenced', 'a later opening of this coordinator is known here'), seen: fenced };
    const fate = this.applyAbort(ids.name(req.id, markOf(req)), req.id);
    return { fate, ...this.shown(req.from.coordinator) };
  }

  applyCommit(name, from) {
    if (this.store.proofs.has(name)) return 'COMMITTED_BEFORE';
    const promise = this.store.promises.get(name);
    if (!promise) return 'NEVER_PREPARED';
    this.store.write(this.witness(from), { t: 'commit', name, stamp: this.store.stamp + 1 });
    this.release(promise);
    return 'COMMITTED_NOW';
  }

  applyAbort(name, id) {
    if (this.store.proofs.has(name)) return 'COMMITTED_BEFORE';
    const promise = this.store.promises.get(name);
    if (promise) {
      this.store.write({ t: 'abort', name });
      this.release(promise);
    }
    if (!this.passed.has(id)) this.noes.set(name, reason('abort_only', 'the branch was aborted'));
    return 'ABORTED_NOW';
  }

  recover(req) {
    const fenced = this.hear(req.from);
    const self = { participant: this.self, software: 'txc-participant.js', instance: this.instance(), incarnation: this.incarnation };
    if (fenced) return { ...self, reason: reason('fenced', 'a later opening of this coordinator is known here'), seen: [fenced] };
    const mine = (name) => ids.parse(idOf(name)).coordinator === req.from.coordinator;
    return {
      ...self,
      stamp: this.store.stamp,
      seen: this.store.seen(),
      committed: [...this.store.proofs].filter(mine),
      in_doubt: [...this.store.promises.values()].filter((p) => mine(p.name)).map(inDoubt),
    };
  }

  // check tells of the store; it changes nothing.
  check() {
    const since = [...this.store.promises.values()].map((p) => p.since);
    return {
      kind: 'journal', version: '1', instance: this.instance(), in_doubt: since.length, locks: this.locks.size,
      oldest_ms: since.length === 0 ? 0 : Date.now() - Math.min(...since),
    };
  }

  // answered takes a coordinator's answer to a question (P2): only a decision ends a promise.
  answered(promise, reply) {
    if (!reply.from || reply.from.cluster !== this.cluster || this.hear(reply.from)) return;
    if (reply.outcome === 'COMMIT') this.applyCommit(promise.name, reply.from);
    if (reply.outcome === 'ABORT') this.applyAbort(promise.name, promise.id);
  }

  instance() {
    return Buffer.from(this.store.instance, 'hex');
  }
}

function inDoubt(p) {
  return { id: p.id, mark: p.mark, members: p.members, age: p.age, since_unix_ms: p.since };
}

// markOf is the mark of the id's opening; 0 is the sender's.
function markOf(req) {
  return req.mark === '0' ? req.from.mark : req.mark;
}

function idOf(name) {
  return name.slice(0, name.lastIndexOf('.'));
}

const RETRYABLE = new Set(['conflict', 'fenced', 'lost_vote', 'below_watermark']);

function reason(code, text) {
  return { code, text, retryable: RETRYABLE.has(code) };
}

function no(code, text) {
  return { vote: 'NO', certain: true, reason: reason(code, text) };
}

function drawIncarnation() {
  for (;;) {
    const n = crypto.randomBytes(8).readBigUInt64BE();
    if (n !== 0n) return n.toString();
  }
}

module.exports = { Branches };
