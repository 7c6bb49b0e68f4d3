//go:build tools

// Package tools names the program of etcd that the real tier builds, so that go.mod and go.sum pin what it is made of.
package tools

import _ "go.etcd.io/etcd/server/v3"
