// Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.

// The same work with Go's net/http: keep-alive, verified TLS, every record decoded.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
	"time"
)

type record struct {
	ID, LoginName, Owner, UserId, StartTime, EndTime, BackupSetID, BackupSetName string
	BackupJobMode                                                              *string
}

type answer struct {
	Status string
	Data   []record
}

func main() {
	log.SetFlags(0)
	url := flag.String("url", "", "the server's base")
	ca := flag.String("ca", "", "the certificate authorities to trust")
	concurrency := flag.Int("concurrency", 64, "queries in flight")
	seconds := flag.Float64("seconds", 5, "how long")
	flag.Parse()
	pem, err := os.ReadFile(*ca)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		MaxConnsPerHost:     *concurrency,
		MaxIdleConnsPerHost: *concurrency,
	}}
	target := *url + "/obs/api/json/ListBackupJobMode.do"
	begin := time.Now()
	end := begin.Add(time.Duration(*seconds * float64(time.Second)))
	var mutex sync.Mutex
	var group sync.WaitGroup
	queries, records, touched := 0, 0, 0
	for worker := 0; worker != *concurrency; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			myQueries, myRecords, myTouched := 0, 0, 0
			for time.Now().Before(end) {
				body, _ := json.Marshal(map[string]string{"SysUser": "system", "SysPwd": "system1",
					"LoginName": "obm", "BackupDate": "2024-06-26"})
				response, err := client.Post(target, "application/json", bytes.NewReader(body))
				if err != nil {
					log.Fatal(err)
				}
				var decoded answer
				err = json.NewDecoder(response.Body).Decode(&decoded)
				response.Body.Close()
				if err != nil || decoded.Status != "OK" {
					log.Fatal("the answer is not OK: ", err)
				}
				for _, one := range decoded.Data {
					myTouched += len(one.ID) + len(one.LoginName) + len(one.Owner) + len(one.UserId) + len(one.StartTime) +
						len(one.EndTime) + len(one.BackupSetID) + len(one.BackupSetName)
				}
				myRecords += len(decoded.Data)
				myQueries++
			}
			mutex.Lock()
			defer mutex.Unlock()
			queries, records, touched = queries+myQueries, records+myRecords, touched+myTouched
		}()
	}
	group.Wait()
	fmt.Printf("{\"queries\":%d,\"records\":%d,\"touched\":%d,\"seconds\":%.3f}\n", queries, records, touched,
		time.Since(begin).Seconds())
}
