package servers

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/txc-dev/txc/tests/internal/procs"
	"github.com/txc-dev/txc/tests/internal/suite"
)

// Users of a RabbitMQ server, all with Password. The first may do everything.
const (
	RabbitUser  = "app"
	RabbitClerk = "clerk" // may use what is there, and configure nothing
	RabbitGuest = "guest" // may look, and neither publish nor read
)

// RabbitQueue is a quorum queue of each server.
const RabbitQueue = "events"

// rabbitNode is the server's name in Erlang.
const rabbitNode = "txc@localhost"

// RabbitServer is one RabbitMQ server.
type RabbitServer struct {
	*Server
	erl, nodePort string
}

// RabbitMQ makes a server for a test and starts it; settings (lines of rabbitmq.conf) are added to those that tests need. Each
// start takes two seconds, most of it loading modules.
func RabbitMQ(t testing.TB, settings ...string) *RabbitServer {
	t.Helper()
	s, err := StartRabbitMQ(settings...)
	s.keep(t, err)
	return s
}

// StartRabbitMQ is the same without a test: Close ends it. The error wraps suite.ErrMissing where it is not installed.
func StartRabbitMQ(settings ...string) (*RabbitServer, error) {
	erl, plugins, err := erlang()
	if err != nil {
		return &RabbitServer{}, err
	}
	nodes, err := procs.FindAddress() // where other nodes would come: nothing but the loopback may
	if err != nil {
		return &RabbitServer{}, err
	}
	_, nodePort, _ := net.SplitHostPort(nodes) // made by JoinHostPort
	s, err := start(shape{
		name: "rabbitmq", users: []string{"rabbitmq", "nobody"},
		init: func(_ context.Context, s *Server) error {
			return (&RabbitServer{Server: s}).Configure(settings...)
		},
		start: func(s *Server) *exec.Cmd {
			// What rabbitmq-server does, without the preparations for a large server, which take longer than all of the rest.
			// Erlang's name server, a process of its own that would stay, is not started: a node that is told its port does
			// without, and whoever asks for it on port 1 hears at once that nobody is there.
			cmd := s.command(context.Background(), erl, "-noinput", "-boot", "start_sasl", "-s", "rabbit", "boot", "+W", "w", "+B", "i",
				"-sname", rabbitNode, "-erl_epmd_port", nodePort, "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
				"-kernel", "inet_dist_listen_min", nodePort, "-kernel", "inet_dist_listen_max", nodePort, "-kernel", "prevent_overlapping_partitions", "false",
				"-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false")
			in := func(name string) string { return filepath.Join(s.Dir, name) }
			cmd.Env = append(alone(s),
				"ERL_LIBS="+plugins, "RABBITMQ_NODENAME="+rabbitNode, "RABBITMQ_BASE="+s.Dir, "RABBITMQ_HOME="+s.Dir, "RABBITMQ_PLUGINS_DIR="+plugins,
				"RABBITMQ_MNESIA_BASE="+in("data"), "RABBITMQ_LOG_BASE="+in("logs"), "RABBITMQ_LOGS=-", "RABBITMQ_ENABLED_PLUGINS_FILE="+in("plugins"),
				"RABBITMQ_CONFIG_FILE="+in("rabbitmq.conf"), "RABBITMQ_ADVANCED_CONFIG_FILE="+in("advanced.config"), "RABBITMQ_CONF_ENV_FILE=/dev/null",
				"RABBITMQ_PID_FILE="+in("pid"), "RABBITMQ_FEATURE_FLAGS_FILE="+in("flags"), "RABBITMQ_DIST_PORT="+nodePort,
			)
			return cmd
		},
		ready: func(ctx context.Context, s *Server) error {
			c, err := (&RabbitServer{Server: s}).Dial(ctx)
			if err != nil {
				return err
			}
			return c.Close()
		},
	})
	return &RabbitServer{s, erl, nodePort}, err
}

// erlang is where Erlang and RabbitMQ's own modules are.
func erlang() (erl, plugins string, err error) {
	erl, err = exec.LookPath("erl")
	found, globErr := filepath.Glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins")
	if err != nil || globErr != nil || len(found) == 0 {
		return "", "", fmt.Errorf("%w: RabbitMQ (Debian: rabbitmq-server)", suite.ErrMissing)
	}
	return erl, slices.Max(found), nil
}

// Configure writes the server's configuration, which its next start reads: what tests need, and settings after it.
func (s *RabbitServer) Configure(settings ...string) error {
	conf := append([]string{
		"listeners.tcp.1 = " + s.Address, "loopback_users = none", "load_definitions = " + filepath.Join(s.Dir, "definitions.json"),
		"log.console = true", "log.console.level = warning", "log.file = false", "disk_free_limit.absolute = 1MB",
	}, settings...)
	files := map[string]string{"rabbitmq.conf": strings.Join(conf, "\n") + "\n", "definitions.json": definitions(), "plugins": "[].\n"}
	for name, text := range files {
		if err := s.write(name, text); err != nil {
			return err
		}
	}
	return nil
}

// definitions are users, what they may do, and a quorum queue.
func definitions() string {
	type object = map[string]any
	hash := func() string {
		salt := []byte("salt")
		sum := sha256.Sum256(append(slices.Clone(salt), Password...))
		return base64.StdEncoding.EncodeToString(append(salt, sum[:]...))
	}
	all := object{"vhosts": []object{{"name": "/"}, {"name": "other"}}}
	var users, permissions []object
	for name, may := range map[string][3]string{RabbitUser: {".*", ".*", ".*"}, RabbitClerk: {"^$", ".*", ".*"}, RabbitGuest: {".*", "^$", "^$"}} {
		users = append(users, object{"name": name, "password_hash": hash(), "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ""})
		permissions = append(permissions, object{"user": name, "vhost": "/", "configure": may[0], "write": may[1], "read": may[2]})
	}
	all["users"], all["permissions"] = users, permissions
	all["queues"] = []object{{"name": RabbitQueue, "vhost": "/", "durable": true, "auto_delete": false, "arguments": object{"x-queue-type": "quorum"}}}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // they are strings
	}
	return string(text)
}

// URL is the address of the server's first virtual host, with the password.
func (s *RabbitServer) URL() string {
	u := url.URL{Scheme: "amqp", User: url.UserPassword(RabbitUser, Password), Host: s.Address, Path: "/"}
	return u.String()
}

// Store is the same without the password.
func (s *RabbitServer) Store() string { return "amqp://" + RabbitUser + "@" + s.Address + "/" }

// SetMemory sets how many bytes the server may use before it stops reading from whoever publishes; it does so at once.
func (s *RabbitServer) SetMemory(ctx context.Context, bytes int) error {
	call := fmt.Sprintf("ok = rpc:call('%s', vm_memory_monitor, set_vm_memory_high_watermark, [{absolute, %d}]), halt(0).", rabbitNode, bytes)
	cmd := s.command(ctx, s.erl, "-noinput", "-hidden", "-sname", "txc-operator@localhost", "-erl_epmd_port", s.nodePort, "-dist_listen", "false", "-eval", call)
	cmd.Env = alone(s.Server)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("set the memory of rabbitmq: %w\n%s", err, s.Log())
	}
	return nil
}

// alone is the environment of a node that has the server's secret, and nobody to tell names.
func alone(s *Server) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir, "LANG=C.UTF-8", "ERL_ZFLAGS=-start_epmd false", "ERL_EPMD_PORT=1"}
}

// Dial connects as somebody who has nothing to do with us.
func (s *RabbitServer) Dial(ctx context.Context) (*amqp.Connection, error) {
	return amqp.DialConfig(s.URL(), amqp.Config{Heartbeat: 10 * time.Second, Dial: func(network, address string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}})
}
