package main

import (
	"github.com/urfave/cli/v2"

	"github.com/txc-dev/txc/cmd/internal/console"
)

func (p *program) completionCommand() *cli.Command {
	return &cli.Command{
		Name:        "completion",
		Usage:       "print a shell's completion script",
		ArgsUsage:   "bash|zsh|fish",
		Description: "bash: source <(txc completion bash); zsh: source <(txc completion zsh); fish: txc completion fish | source",
		Action:      p.do(1, 1, p.completion),
	}
}

func (p *program) completion(c *cli.Context) error {
	var script string
	switch shell := c.Args().First(); shell {
	case "bash":
		script = bashCompletion
	case "zsh":
		script = zshCompletion
	case "fish":
		var err error
		if script, err = c.App.ToFishCompletion(); err != nil {
			return err
		}
	default:
		return console.BadInput("no completion for %q", shell).With("use bash, zsh or fish")
	}
	s := p.sheet()
	s.line("%s", script)
	return s.done()
}

const bashCompletion = `_txc() {
  local cur words
  cur="${COMP_WORDS[COMP_CWORD]}"
  words=("${COMP_WORDS[@]:0:$COMP_CWORD}")
  [[ "$cur" == -* ]] && words+=("$cur")
  COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur"))
}
complete -o bashdefault -o default -F _txc txc`

const zshCompletion = `#compdef txc
_txc() {
  local -a opts
  if [[ "${words[-1]}" == -* ]]; then
    opts=("${(@f)$(${words[@]:0:#words[@]-1} ${words[-1]} --generate-bash-completion 2>/dev/null)}")
  else
    opts=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  fi
  if [[ -n "${opts[1]}" ]]; then _describe 'txc' opts; else _files; fi
}
compdef _txc txc`
