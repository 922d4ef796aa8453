// tests/oracle/btcd/main.go: btcd's script engine on transactions with what
// they spend.
//
//	go run . < LINES
//
// A line is "RULES HEX": rule set 1 or 2, and the extended form. The answer is
// a line "ok WTXID TXID", or the words of what refuses it. The engine runs any
// script; the sums and the shape of a transaction are checked here.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"
)

const moneyMax = 2100000000000000

const blocks = txscript.ScriptBip16 | txscript.ScriptVerifyDERSignatures |
	txscript.ScriptStrictMultiSig | txscript.ScriptVerifyWitness |
	txscript.ScriptVerifyCheckLockTimeVerify |
	txscript.ScriptVerifyCheckSequenceVerify | txscript.ScriptVerifyTaproot

func flags(rules string) txscript.ScriptFlags {
	if rules == "1" {
		return blocks
	}
	return txscript.StandardVerifyFlags
}

// read takes the form apart, and demands that writing it gives the same bytes.
func read(raw []byte) (*wire.MsgTx, []*wire.TxOut, error) {
	if !bytes.HasPrefix(raw, []byte("btx\x01")) {
		return nil, nil, errors.New("no magic")
	}
	r := bytes.NewReader(raw[4:])
	tx := new(wire.MsgTx)
	if err := tx.Deserialize(r); err != nil {
		return nil, nil, err
	}
	again := bytes.NewBufferString("btx\x01")
	if err := tx.Serialize(again); err != nil {
		return nil, nil, err
	}
	spent := make([]*wire.TxOut, len(tx.TxIn))
	for i := range spent {
		spent[i] = new(wire.TxOut)
		if err := wire.ReadTxOut(r, 0, 0, spent[i]); err != nil {
			return nil, nil, err
		}
		if err := wire.WriteTxOut(again, 0, 0, spent[i]); err != nil {
			return nil, nil, err
		}
	}
	if r.Len() > 0 || !bytes.Equal(again.Bytes(), raw) {
		return nil, nil, errors.New("not the one encoding")
	}
	return tx, spent, nil
}

func add(sum *int64, value int64) error {
	if value < 0 || value > moneyMax || *sum+value > moneyMax {
		return errors.New("an amount out of range")
	}
	*sum += value
	return nil
}

func check(tx *wire.MsgTx, spent []*wire.TxOut) error {
	if len(tx.TxIn) == 0 || len(tx.TxOut) == 0 {
		return errors.New("no input or no output")
	}
	var in, out int64
	seen := make(map[wire.OutPoint]bool)
	for i, input := range tx.TxIn {
		point := input.PreviousOutPoint
		if seen[point] || point.Index == 0xffffffff && point.Hash == [32]byte{} {
			return errors.New("an input twice or a coinbase")
		}
		seen[point] = true
		if err := add(&in, spent[i].Value); err != nil {
			return err
		}
	}
	for _, output := range tx.TxOut {
		if err := add(&out, output.Value); err != nil {
			return err
		}
	}
	if out > in {
		return errors.New("more goes out than comes in")
	}
	return nil
}

// hasAnnex: nodes relay none, but no flag of the engine says so.
func hasAnnex(input *wire.TxIn, spent *wire.TxOut) bool {
	n := len(input.Witness)
	return txscript.IsPayToTaproot(spent.PkScript) && n >= 2 &&
		len(input.Witness[n-1]) > 0 && input.Witness[n-1][0] == 0x50
}

func judge(rules string, raw []byte) (*wire.MsgTx, error) {
	tx, spent, err := read(raw)
	if err != nil {
		return nil, err
	}
	if err := check(tx, spent); err != nil {
		return nil, err
	}
	outputs := txscript.NewMultiPrevOutFetcher(nil)
	for i, input := range tx.TxIn {
		outputs.AddPrevOut(input.PreviousOutPoint, spent[i])
	}
	hashes := txscript.NewTxSigHashes(tx, outputs)
	for i, input := range tx.TxIn {
		if rules == "2" && hasAnnex(input, spent[i]) {
			return nil, errors.New("an annex")
		}
		engine, err := txscript.NewEngine(spent[i].PkScript, tx, i,
			flags(rules), nil, hashes, spent[i].Value, outputs)
		if err == nil {
			err = engine.Execute()
		}
		if err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
	}
	return tx, nil
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 8<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		rules, text, _ := strings.Cut(in.Text(), " ")
		raw, err := hex.DecodeString(text)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		tx, err := judge(rules, raw)
		if err != nil {
			fmt.Fprintln(out, strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Fprintln(out, "ok", tx.WitnessHash(), tx.TxHash())
		}
	}
}
