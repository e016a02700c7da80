package up

// This file owns the components as child processes: how they start, how they end, what they said last.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// How long a component may take to end by itself before it is killed.
const stopGrace = 5 * time.Second

type child struct {
	name    string
	logPath string
	command []string
	process *os.Process
	ended   chan struct{} // closed when the process is gone
	state   string        // how it ended; set before
}

type children struct {
	list []*child
	// onEnd is told of every child that ends, wanted or not.
	onEnd func(*child)
}

// start runs a command line in dir, with its output in dir/NAME.log. It must always be called from one and
// the same operating system thread, because that thread's end is what Pdeathsig reports to the child.
func (c *children) start(dir, name string, commandLine []string) (*child, error) {
	ch := &child{name: name, logPath: filepath.Join(dir, name+".log"), command: commandLine}
	if err := os.Truncate(ch.logPath, 0); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err := c.run(ch); err != nil {
		return nil, err
	}
	c.list = append(c.list, ch)
	return ch, nil
}

// again starts a child that has ended with the command line that it had, and what it says behind what it has
// said. For the thread see start.
func (c *children) again(ended *child) error {
	ch := &child{name: ended.name, logPath: ended.logPath, command: ended.command}
	if err := c.run(ch); err != nil {
		return err
	}
	c.list[slices.Index(c.list, ended)] = ch
	return nil
}

func (c *children) run(ch *child) error {
	ch.ended = make(chan struct{})
	log, err := os.OpenFile(ch.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(ch.command[0], ch.command[1:]...)
	cmd.Dir = filepath.Dir(ch.logPath)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		// When this process is killed outright, its children go too.
		Pdeathsig: syscall.SIGKILL,
		// Ctrl-C in a terminal goes to a whole group; the children are to end in our order instead.
		Setpgid: true,
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", ch.name, err)
	}
	ch.process = cmd.Process
	go func() {
		cmd.Wait()
		ch.state = cmd.ProcessState.String()
		close(ch.ended)
		c.onEnd(ch)
	}()
	return nil
}

// stop ends all children and returns when they are gone. The first that was started (etcd) goes last,
// because the others would otherwise spend their last moments looking for it.
func (c *children) stop() {
	if len(c.list) == 0 {
		return
	}
	stopAll(c.list[1:])
	stopAll(c.list[:1])
}

func stopAll(list []*child) {
	for _, ch := range list {
		ch.process.Signal(syscall.SIGTERM)
	}
	late := time.AfterFunc(stopGrace, func() {
		for _, ch := range list {
			ch.process.Kill()
		}
	})
	defer late.Stop()
	for _, ch := range list {
		<-ch.ended
	}
}

// obituary says how a child ended, with the last lines of its log.
func (ch *child) obituary() error {
	return fmt.Errorf("%s ended: %s\n%s", ch.name, ch.state, ch.lastWords())
}

func (ch *child) lastWords() string {
	const lines = 20
	content, err := os.ReadFile(ch.logPath)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return fmt.Sprintf("the end of %s:\n%s", ch.logPath, strings.Join(all, "\n"))
}
