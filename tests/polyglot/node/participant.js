// A participant written from txc.proto alone, with its unary methods: a small key-value store in a journal.
//
//   node participant.js --proto txc.proto --name points --listen 127.0.0.1:0 --coordinator 127.0.0.1:7400 --data DIR
//   node participant.js --data DIR --dump       what the store holds, offline, as JSON lines
'use strict';

const path = require('path');
const { parseArgs } = require('util');
const { Store } = require('./store');

const { values: flags } = parseArgs({
  options: {
    proto: { type: 'string' },
    name: { type: 'string' },
    listen: { type: 'string', default: '127.0.0.1:0' },
    coordinator: { type: 'string' },
    cluster: { type: 'string', default: 'txc' },
    data: { type: 'string' },
    dump: { type: 'boolean', default: false },
  },
});

// STOPPED: a write's fate is unknown, and only opening the store again tells (P11).
const STOPPED = 9;

function dump(store) {
  const lines = [];
  for (const [key, value] of store.data) lines.push({ kind: 'data', key, value });
  for (const p of store.promises.values()) lines.push({ kind: 'in-doubt', id: p.id, members: p.members });
  for (const name of store.proofs) lines.push({ kind: 'committed', id: name.slice(0, name.lastIndexOf('.')), mark: name.slice(name.lastIndexOf('.') + 1) });
  process.stdout.write(lines.map((l) => JSON.stringify(l) + '\n').join(''));
}

function serve(store) {
  const grpc = require('@grpc/grpc-js');
  const loader = require('@grpc/proto-loader');
  const { Branches } = require('./branches');
  const { Asking } = require('./asking');

  const definition = loader.loadSync(path.resolve(flags.proto), { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true });
  const { txc } = grpc.loadPackageDefinition(definition);
  const codec = messages(path.resolve(flags.proto));
  store.open();
  const branches = new Branches({ name: flags.name, cluster: flags.cluster, store, ...codec });

  // forMe refuses what was sent to the wrong place; everything else is an answer, never a status (P8).
  const forMe = (method) => (call, reply) => {
    const req = call.request;
    if (!req.from || req.from.cluster !== flags.cluster || (req.participant && req.participant !== flags.name)) {
      reply({ code: grpc.status.FAILED_PRECONDITION, message: `this is ${flags.name} of cluster ${flags.cluster}` });
      return;
    }
    let answer;
    try {
      answer = method.call(branches, req);
    } catch (err) {
      console.error(err);
      process.exit(STOPPED);
    }
    reply(null, answer);
  };

  const server = new grpc.Server();
  server.addService(txc.v1.Participant.service, {
    Prepare: forMe(branches.prepare),
    Commit: forMe(branches.commit),
    Abort: forMe(branches.abort),
    Recover: forMe(branches.recover),
    Check: (call, reply) => reply(null, branches.check()),
  });
  server.bindAsync(flags.listen, grpc.ServerCredentials.createInsecure(), (err, port) => {
    if (err) {
      console.error(`listen on ${flags.listen}: ${err.message}`);
      process.exit(1);
    }
    const address = flags.listen.replace(/:\d+$/, `:${port}`);
    const directory = new txc.v1.Directory(flags.coordinator, grpc.credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 1000,
    });
    new Asking({ directory, branches, address, name: flags.name, cluster: flags.cluster }).start();
    console.log(JSON.stringify({ listening: address, cluster: flags.cluster, name: flags.name, pid: process.pid }));
  });
  process.on('SIGTERM', () => process.exit(0)); // what matters is durable already
}

// messages reads a branch's work and writes its results: both travel as bytes inside other messages.
function messages(file) {
  const root = new (require('protobufjs').Root)().loadSync(file, { keepCase: true });
  const Work = root.lookupType('txc.v1.Work');
  const Results = root.lookupType('txc.v1.Results');
  const options = { longs: String, enums: String, defaults: true, oneofs: true, bytes: Buffer };
  return {
    decodeWork: (bytes) => Work.toObject(Work.decode(bytes), options),
    encodeResults: (items) => Buffer.from(Results.encode(Results.fromObject({ items })).finish()),
  };
}

const store = new Store(flags.data);
if (flags.dump) dump(store);
else serve(store);
