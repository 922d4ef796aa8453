// tests/clients/go/main.go: lestrrat-go/jwx as it comes, in front of the door.
//
//	go run -tags jwx_es256k . URL NAME
//
// Signs payments by each algorithm it knows of ours, compact and flattened,
// posts them under their media types, and prints one line of JSON for each:
// what it sent, what the thumbprint of the key is, and what it was told.
//
// From: tests/system/test_jws.py.
// To:   standard output.
package main

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

type line struct {
	Alg        string          `json:"alg"`
	Form       string          `json:"form"`
	Raw        string          `json:"raw"`
	Payment    string          `json:"payment"`
	Thumbprint string          `json:"thumbprint"`
	Status     int             `json:"status"`
	Answer     json.RawMessage `json:"answer"`
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func keyOf(alg jwa.SignatureAlgorithm) jwk.Key {
	var raw interface{}
	if alg == jwa.ES256K {
		secret, err := secp256k1.GeneratePrivateKey()
		must(err)
		raw = secret.ToECDSA()
	} else {
		_, secret, err := ed25519.GenerateKey(rand.Reader)
		must(err)
		raw = secret
	}
	key, err := jwk.FromRaw(raw)
	must(err)
	return key
}

func post(url string, l *line) {
	kind := "application/jose"
	if l.Form == "flattened" {
		kind = "application/jose+json"
	}
	answer, err := http.Post(url+"/v1/jws/transactions", kind,
		bytes.NewBufferString(l.Raw))
	must(err)
	defer answer.Body.Close()
	l.Status = answer.StatusCode
	must(json.NewDecoder(answer.Body).Decode(&l.Answer))
}

func main() {
	url, name := os.Args[1], os.Args[2]
	nonce := 0
	for _, alg := range []jwa.SignatureAlgorithm{jwa.ES256K, jwa.EdDSA} {
		key := keyOf(alg)
		public, err := key.PublicKey()
		must(err)
		thumbprint, err := public.Thumbprint(crypto.SHA256)
		must(err)
		for _, form := range []string{"compact", "flattened"} {
			headers := jws.NewHeaders()
			must(headers.Set(jws.JWKKey, public))
			payment := fmt.Sprintf(`{"recipient":"acct:%s@example.com",`+
				`"amount":"1500","nonce":%d,"currency":"EUR"}`, name, nonce)
			nonce++
			options := []jws.SignOption{jws.WithKey(alg, key,
				jws.WithProtectedHeaders(headers))}
			if form == "flattened" {
				options = append(options, jws.WithJSON())
			}
			raw, err := jws.Sign([]byte(payment), options...)
			must(err)
			l := line{Alg: alg.String(), Form: form, Raw: string(raw),
				Payment:    payment,
				Thumbprint: base64.RawURLEncoding.EncodeToString(thumbprint)}
			post(url, &l)
			must(json.NewEncoder(os.Stdout).Encode(l))
		}
	}
}
