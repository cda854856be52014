package redis

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// command is one that a branch can use.
type command struct {
	as    string // how the script calls it; "": the same
	list  bool   // it replies with a list
	check func(args []string) ([]string, error)
}

// commands are all of them, each with one key. They take what Redis's own take, but for what stands in docs/adapters/redis.md.
// What depends on the server's own clock or luck is not among them, nor is arithmetic that is not exact.
var commands = map[string]command{
	"get": {check: count(0, 0)}, "exists": {check: count(0, 0)}, "del": {check: count(0, 0)}, "set": {check: setting},
	"incr": {as: "incrby", check: by("1", adding)}, "decr": {as: "incrby", check: by("-1", adding)},
	"incrby": {check: adding}, "decrby": {as: "incrby", check: subtracting},

	"hget": {check: count(1, 1)}, "hexists": {check: count(1, 1)}, "hlen": {check: count(0, 0)}, "hgetall": {list: true, check: count(0, 0)},
	"hset": {check: pairs}, "hsetnx": {check: count(2, 2)}, "hdel": {check: count(1, MaxArgs)}, "hincrby": {check: adding1},

	"sadd": {check: count(1, MaxArgs)}, "srem": {check: count(1, MaxArgs)}, "sismember": {check: count(1, 1)},
	"scard": {check: count(0, 0)}, "smembers": {list: true, check: count(0, 0)},

	"zadd": {check: scores}, "zincrby": {check: score}, "zrem": {check: count(1, MaxArgs)},
	"zscore": {check: count(1, 1)}, "zcard": {check: count(0, 0)},

	"lpush": {check: count(1, MaxArgs)}, "rpush": {check: count(1, MaxArgs)}, "lpop": {check: count(0, 0)}, "rpop": {check: count(0, 0)},
	"llen": {check: count(0, 0)}, "lrange": {list: true, check: places},
}

func wrong(args []string) error { return fmt.Errorf("%d arguments after its key", len(args)) }

// count takes so many arguments, whatever they are.
func count(least, most int) func([]string) ([]string, error) {
	return func(args []string) ([]string, error) {
		if len(args) < least || len(args) > most {
			return nil, wrong(args)
		}
		return args, nil
	}
}

func pairs(args []string) ([]string, error) {
	if len(args) == 0 || len(args)%2 != 0 {
		return nil, wrong(args)
	}
	return args, nil
}

// setting takes a value, and NX or XX.
func setting(args []string) ([]string, error) {
	switch {
	case len(args) == 1:
		return []string{args[0], ""}, nil
	case len(args) == 2 && (strings.EqualFold(args[1], "nx") || strings.EqualFold(args[1], "xx")):
		return []string{args[0], strings.ToLower(args[1])}, nil
	default:
		return nil, fmt.Errorf("after its key it takes a value, and NX or XX")
	}
}

func by(n string, check func([]string) ([]string, error)) func([]string) ([]string, error) {
	return func(args []string) ([]string, error) { return check(append([]string{n}, args...)) }
}

// adding takes an integer, and bounds of the sum: MIN n, MAX n.
func adding(args []string) ([]string, error) {
	if len(args) == 0 {
		return nil, wrong(args)
	}
	n, err := integer(args[0])
	if err != nil {
		return nil, err
	}
	all := []string{n, "", ""}
	for rest := args[1:]; len(rest) > 0; rest = rest[2:] {
		place := map[string]int{"min": 1, "max": 2}[strings.ToLower(rest[0])]
		if place == 0 || len(rest) < 2 || all[place] != "" {
			return nil, fmt.Errorf("after what to add it takes MIN n and MAX n")
		}
		if all[place], err = integer(rest[1]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// adding1 is adding after a field.
func adding1(args []string) ([]string, error) {
	if len(args) == 0 {
		return nil, wrong(args)
	}
	rest, err := adding(args[1:])
	return append([]string{args[0]}, rest...), err
}

func subtracting(args []string) ([]string, error) {
	if len(args) == 0 {
		return nil, wrong(args)
	}
	n, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || n == math.MinInt64 {
		return nil, fmt.Errorf("%.30q cannot be subtracted", args[0])
	}
	return adding(append([]string{strconv.FormatInt(-n, 10)}, args[1:]...))
}

func integer(s string) (string, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return "", fmt.Errorf("%.30q is not an integer of 64 bits", s)
	}
	return strconv.FormatInt(n, 10), nil
}

// scores takes pairs of a score and a member.
func scores(args []string) ([]string, error) {
	if _, err := pairs(args); err != nil {
		return nil, err
	}
	all := make([]string, 0, len(args))
	for i := 0; i < len(args); i += 2 {
		one, err := score(args[i : i+2])
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// score takes a score and a member.
func score(args []string) ([]string, error) {
	if len(args) != 2 {
		return nil, wrong(args)
	}
	x, err := strconv.ParseFloat(args[0], 64)
	if err != nil || x-x != 0 {
		return nil, fmt.Errorf("%.30q is no finite number", args[0])
	}
	return []string{strconv.FormatFloat(x, 'g', 17, 64), args[1]}, nil
}

// places takes the first and the last of a list's elements; -1 is the last one of all.
func places(args []string) ([]string, error) {
	if len(args) != 2 {
		return nil, wrong(args)
	}
	for _, a := range args {
		if n, err := strconv.ParseInt(a, 10, 32); err != nil || strconv.FormatInt(n, 10) != a {
			return nil, fmt.Errorf("%.30q is not a place in a list", a)
		}
	}
	return args, nil
}
