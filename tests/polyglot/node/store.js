// The durable half: a journal of JSON lines. Each entry is appended and synced before anybody hears of it; a torn last
// line was never synced, so nobody has. At open the journal is read, written anew and synced, and only then relied on
// (P10): what was read may have come from a cache that never reached the disk.
//
//   journal:  {"t":"identity"} {"t":"seen"} {"t":"data"} {"t":"promise"} {"t":"commit"} {"t":"abort"} {"t":"proof"} …
'use strict';

const fs = require('fs');
const path = require('path');
const crypto = require('crypto');

// Beyond so many entries the journal is written anew: its size is bounded by what the store holds.
const REWRITE_AT = 20000;

// MAX_WITNESSES bounds what is kept of openings that nobody heard of again.
const MAX_WITNESSES = 16;

class Store {
  constructor(dir) {
    this.file = path.join(dir, 'journal');
    this.dir = dir;
    this.data = new Map(); // key -> text
    this.promises = new Map(); // name -> promise
    this.proofs = new Set(); // names: provably committed here
    this.witnesses = new Map(); // coordinator -> [{coordinator, epoch, mark, lsn}], ascending epochs
    this.stamp = 0;
    this.instance = null;
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.read();
  }

  // open takes the store for writing.
  open() {
    this.instance ??= crypto.randomBytes(16).toString('hex');
    this.rewrite();
  }

  read() {
    let text = '';
    try {
      text = fs.readFileSync(this.file, 'utf8');
    } catch (err) {
      if (err.code !== 'ENOENT') throw err;
    }
    const lines = text.split('\n');
    lines.pop(); // behind the last newline: nothing, or what was torn
    for (const line of lines) this.apply(JSON.parse(line));
  }

  apply(e) {
    switch (e.t) {
      case 'identity':
        this.instance = e.instance;
        this.stamp = e.stamp;
        break;
      case 'seen':
        this.witnesses.set(e.coordinator, e.all);
        break;
      case 'data':
        this.set(e.key, e.value);
        break;
      case 'promise':
        this.promises.set(e.promise.name, e.promise);
        this.stamp = e.stamp;
        break;
      case 'commit': {
        const p = this.promises.get(e.name);
        for (const [key, value] of p.writes) this.set(key, value);
        this.promises.delete(e.name);
        this.proofs.add(e.name);
        this.stamp = e.stamp;
        break;
      }
      case 'abort':
        this.promises.delete(e.name);
        break;
      case 'proof':
        this.proofs.add(e.name);
        break;
      case 'forget':
        this.proofs.delete(e.name);
        break;
      default:
        throw new Error(`journal: unknown entry ${e.t}`);
    }
  }

  set(key, value) {
    if (value === null) this.data.delete(key);
    else this.data.set(key, value);
  }

  // write makes entries durable, as one step, then true in memory. An error leaves unknown what the disk has: the
  // caller must not go on (P11).
  write(...entries) {
    const text = entries.map((e) => JSON.stringify(e) + '\n').join('');
    fs.writeSync(this.fd, text);
    fs.fdatasyncSync(this.fd);
    this.take(entries);
  }

  // note is write for what may be lost: it rides on the next sync.
  note(...entries) {
    fs.writeSync(this.fd, entries.map((e) => JSON.stringify(e) + '\n').join(''));
    this.take(entries);
  }

  take(entries) {
    for (const e of entries) this.apply(e);
    this.count += entries.length;
    if (this.count > REWRITE_AT + this.data.size + this.proofs.size) this.rewrite();
  }

  rewrite() {
    const lines = [{ t: 'identity', instance: this.instance, stamp: this.stamp }];
    for (const [coordinator, all] of this.witnesses) lines.push({ t: 'seen', coordinator, all });
    for (const [key, value] of this.data) lines.push({ t: 'data', key, value });
    for (const promise of this.promises.values()) lines.push({ t: 'promise', promise, stamp: this.stamp });
    for (const name of this.proofs) lines.push({ t: 'proof', name });
    const fresh = this.file + '.new';
    fs.writeFileSync(fresh, lines.map((e) => JSON.stringify(e) + '\n').join(''), { mode: 0o600 });
    const fd = fs.openSync(fresh, 'a');
    fs.fsyncSync(fd);
    fs.renameSync(fresh, this.file);
    const dir = fs.openSync(this.dir, 'r');
    fs.fsyncSync(dir);
    fs.closeSync(dir);
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = fd;
    this.count = 0;
  }

  // highest is the last opening seen of a coordinator; null: none.
  highest(coordinator) {
    return this.witnesses.get(coordinator)?.at(-1) ?? null;
  }

  seen() {
    return [...this.witnesses.values()].flat();
  }

  // hear is the witnesses of a coordinator after a message: a newer opening is entered, older ones stay until its
  // watermark has passed them; work raises the LSN, a hello does not.
  hear(from, passedEpoch, work) {
    const all = this.witnesses.get(from.coordinator) ?? [];
    const kept = all.filter((s) => s.epoch === from.epoch || (s.lsn !== '0' && s.epoch >= passedEpoch)).map((s) => ({ ...s }));
    if (kept.at(-1)?.epoch !== from.epoch) {
      kept.push({ coordinator: from.coordinator, epoch: from.epoch, mark: from.mark, lsn: '0' });
    }
    const last = kept.at(-1);
    if (work && BigInt(from.lsn) > BigInt(last.lsn)) last.lsn = from.lsn;
    return { t: 'seen', coordinator: from.coordinator, all: kept.slice(-MAX_WITNESSES) };
  }

  // forget drops proofs that can no longer be asked for (P5).
  forget(passed) {
    const gone = [...this.proofs].filter((name) => passed.has(name.slice(0, name.lastIndexOf('.'))));
    if (gone.length > 0) this.note(...gone.map((name) => ({ t: 'forget', name })));
  }
}

module.exports = { Store };
