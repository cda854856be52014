// What a participant says of its own accord: where it is, again and again until a coordinator has it durably; and, of
// each promise whose decision does not come, the question (P2), at growing intervals.
'use strict';

const REGISTER_FIRST = 200;
const REGISTER_MOST = 1000;
const ASK_FIRST = 500;
const ASK_MOST = 5000;

class Asking {
  constructor({ directory, branches, address, name, cluster }) {
    Object.assign(this, { directory, branches, address, name, cluster });
    this.due = new Map(); // name of a promise -> {at, pause}
  }

  start() {
    this.register(REGISTER_FIRST);
    this.ticker = setInterval(() => this.ask(), 100);
  }

  register(pause) {
    const { store } = this.branches;
    const self = {
      name: this.name, address: this.address, cluster: this.cluster, kind: 'journal', version: '1',
      instance: this.branches.instance(), incarnation: this.branches.incarnation, stamp: store.stamp, seen: store.seen(),
    };
    this.directory.Register(self, { deadline: Date.now() + 2000 }, (err) => {
      if (!err) return;
      console.error(`register: ${err.message}`);
      setTimeout(() => this.register(Math.min(2 * pause, REGISTER_MOST)), pause);
    });
  }

  ask() {
    const { store } = this.branches;
    for (const name of this.due.keys()) if (!store.promises.has(name)) this.due.delete(name);
    for (const promise of store.promises.values()) {
      const next = this.due.get(promise.name) ?? { at: promise.since + ASK_FIRST, pause: ASK_FIRST };
      if (Date.now() < next.at) continue;
      this.due.set(promise.name, { at: Date.now() + next.pause, pause: Math.min(2 * next.pause, ASK_MOST) });
      this.question(promise);
    }
  }

  question(promise) {
    const { branches } = this;
    const coordinator = Number(/^c(\d+)\./.exec(promise.id)[1]);
    const question = {
      participant: this.name, cluster: this.cluster, instance: branches.instance(), id: promise.id, mark: promise.mark,
      members: promise.members, seen: branches.store.highest(coordinator),
    };
    this.directory.Inquire(question, { deadline: Date.now() + 2000 }, (err, reply) => {
      if (err) return; // no answer is no answer: asked again
      if (branches.store.promises.has(promise.name)) branches.answered(promise, reply);
    });
  }
}

module.exports = { Asking };
