"""Benchmarks of the exporter, alone and compared with other programs.

`make bench` measures all topics, `make bench ARGS="tls startup"` some; both update their sections of
`RESULTS.md`. `make docs` then writes the numbers that pages quote. To try a topic in seconds:
`python -m benchmarks --small --output /tmp/results.md TOPIC`.

- Topics are the modules in `TOPICS` of `__main__`. Each has a function `measure(sizes, directory)` that
  yields sections: a table, notes, and targets with the values reached. `sizes` has full and small sizes.
- `servers` starts exporters and other processes, `config` writes their configs, `peers` has the other
  programs, `client` measures responses, `measure` reads memory and CPU time, `results` formats.
- `static_coder` and `embedded_coders` are processes that stand in for Coder, `baseline` is one of the peers,
  and `poll_cost` polls without a network. `users` generates the data of all of them.

`soak`, `collectors` and `json_exporter` are programs of their own; see `make help`. `collectors` also
writes a section of `RESULTS.md`. Tests compare what does not depend on the machine, the series and
requests of `sizing` and the series of `collectors`, with what the exporter does.
"""
