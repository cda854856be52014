package servers

import "path/filepath"

// Play is a server to play with, and how a participant is made of it.
type Play struct {
	*Server
	Store    string   // --store, without the password
	Variable string   // the environment variable that takes Password
	Flags    []string // more of participant-demo
}

// Kind is a row of Kinds.
type Kind struct {
	Name  string
	Start func() (Play, error) // Close ends the server; the error wraps suite.ErrMissing where it is not installed
}

// Kinds are all kinds of servers that there are. A new one joins by a row.
var Kinds = []Kind{
	{"postgres", func() (Play, error) {
		s, err := StartPostgres()
		if err != nil {
			return Play{}, err
		}
		return Play{s.Server, s.Store("postgres"), "PGPASSWORD", []string{"--allow-free-sql"}}, nil
	}},
	{"mariadb", func() (Play, error) {
		s, err := StartMariaDB()
		if err != nil {
			return Play{}, err
		}
		return Play{s.Server, s.Store("txc"), "MYSQL_PWD", []string{"--allow-free-sql"}}, nil
	}},
	{"redis", func() (Play, error) {
		s, err := StartRedis()
		if err != nil {
			return Play{}, err
		}
		return Play{s.Server, s.Store(), "REDISCLI_AUTH", nil}, nil
	}},
	{"nats", func() (Play, error) {
		s, err := StartNATS()
		if err != nil {
			return Play{}, err
		}
		return Play{s.Server, s.Store(), "NATS_PASSWORD", s.staging()}, nil
	}},
	{"rabbitmq", func() (Play, error) {
		s, err := StartRabbitMQ()
		if err != nil {
			return Play{}, err
		}
		return Play{s.Server, s.Store(), "RABBITMQ_PASSWORD", s.staging()}, nil
	}},
}

// staging is where a broker's participant keeps what it is to publish: it goes with the server.
func (s *Server) staging() []string { return []string{"--staging", filepath.Join(s.Dir, "staging")} }
