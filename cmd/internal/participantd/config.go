package participantd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"github.com/txc-dev/txc/cmd/internal/console"
	"github.com/txc-dev/txc/participant/sqlwork"
)

// config is the file of --config: what flags and environment leave open.
type config struct {
	Name         string   `yaml:"name"`
	Listen       string   `yaml:"listen"`
	Advertise    string   `yaml:"advertise"`
	Coordinators []string `yaml:"coordinators"`
	Cluster      string   `yaml:"cluster"`
	Store        string   `yaml:"store"`
	MinFree      string   `yaml:"min_free"`
	Waive        []string `yaml:"waive"`
	LogLevel     string   `yaml:"log_level"`
	LogFormat    string   `yaml:"log_format"`

	Staging      string                       `yaml:"staging"`
	PasswordFile string                       `yaml:"password_file"`
	LockTimeout  string                       `yaml:"lock_timeout"`
	AllowFreeSQL bool                         `yaml:"allow_free_sql"`
	Statements   map[string]sqlwork.Statement `yaml:"statements"`
}

// maxConfig bounds the file.
const maxConfig = 64 << 10

// applyConfig sets the flags that neither the command line nor the environment has set. What it returns has what only a
// file can say.
func applyConfig(c *cli.Context) (config, error) {
	path := c.String("config")
	if path == "" {
		return config{}, nil
	}
	f, err := readConfig(path)
	if err != nil {
		return f, err
	}
	free := ""
	if f.AllowFreeSQL {
		free = "true"
	}
	for flag, values := range map[string][]string{
		"name": {f.Name}, "listen": {f.Listen}, "advertise": {f.Advertise}, "coordinator": f.Coordinators, "cluster": {f.Cluster},
		"store": {f.Store}, "min-free": {f.MinFree}, "waive": f.Waive, "log-level": {f.LogLevel}, "log-format": {f.LogFormat},
		"staging": {f.Staging}, "password-file": {f.PasswordFile}, "lock-timeout": {f.LockTimeout}, "allow-free-sql": {free},
	} {
		if c.IsSet(flag) {
			continue
		}
		for _, v := range values {
			if v == "" {
				continue
			}
			if err := c.Set(flag, v); err != nil {
				return f, console.BadInput("--config %s: %s: %v", path, flag, err)
			}
		}
	}
	return f, nil
}

func readConfig(path string) (config, error) {
	var f config
	file, err := os.Open(path)
	if err != nil {
		return f, console.BadInput("--config: %v", err).With("name a YAML file")
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err != nil {
		return f, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > maxConfig {
		return f, console.BadInput("--config %s has more than %d bytes", path, maxConfig)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return f, console.BadInput("--config %s: %s", path, strings.ReplaceAll(console.OneLine(err.Error()), "yaml: ", "")).
			With("use the keys name, listen, advertise, coordinators, cluster, store, min_free, waive, log_level, log_format, staging, password_file, lock_timeout, allow_free_sql, statements")
	}
	return f, nil
}
