package client

import "github.com/txc-dev/txc/api/txcpb"

// Command is one command of a Redis participant; docs/adapters/redis.md lists those that it takes.
type Command struct{ pb *txcpb.RedisOp }

// Do makes a command: Do("incrby", "points:ada", "10"). Replies come back with the outcome (Result.Results).
func Do(command string, args ...string) Command {
	op := &txcpb.RedisOp{Command: command}
	for _, a := range args {
		op.Args = append(op.Args, []byte(a))
	}
	return Command{op}
}

// Expect aborts the transaction unless this is the reply, as redis-cli shows it without quotes.
func (c Command) Expect(reply string) Command {
	return Command{&txcpb.RedisOp{Command: c.pb.GetCommand(), Args: c.pb.GetArgs(), Expect: []byte(reply)}}
}

// Redis is work for a Redis participant: commands in order, later ones see what earlier ones would have written.
func Redis(commands ...Command) Work { return redisWork(commands) }

type redisWork []Command

func (w redisWork) MarshalWork() ([]byte, error) {
	work := &txcpb.RedisWork{}
	for _, c := range w {
		work.Ops = append(work.Ops, c.pb)
	}
	return marshal(&txcpb.Work{Kind: &txcpb.Work_Redis{Redis: work}})
}
