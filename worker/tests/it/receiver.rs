//! A receiver of calls for tests: it speaks HTTP (RFC 9112) on a real socket, keeps what it gets, and answers as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// A call that came.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

struct Shared {
    /// What is said to each call; empty: nothing, and the connection breaks.
    answer: String,
    got: Vec<Got>,
}

/// A receiver on a port of its own.
#[derive(Clone)]
pub struct Receiver {
    pub port: u16,
    shared: Arc<Mutex<Shared>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(Shared {
            answer: String::new(),
            got: Vec::new(),
        }));
        let receiver = Self {
            port,
            shared: shared.clone(),
        };
        receiver.say("200 OK", "", "ok");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let mut lines = Vec::new();
                    loop {
                        let mut line = String::new();
                        if stream.read_line(&mut line).await.unwrap() == 0 {
                            return;
                        }
                        if line == "\r\n" {
                            break;
                        }
                        lines.push(line.trim_end().to_string());
                    }
                    let headers: HashMap<String, String> = lines[1..]
                        .iter()
                        .filter_map(|line| line.split_once(": "))
                        .map(|(name, value)| (name.to_lowercase(), value.to_string()))
                        .collect();
                    let length = headers["content-length"].parse().unwrap();
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).await.unwrap();
                    let answer = {
                        let mut shared = shared.lock().unwrap();
                        shared.got.push(Got {
                            path: lines[0].split(' ').nth(1).unwrap().into(),
                            headers,
                            body: String::from_utf8(body).unwrap(),
                        });
                        shared.answer.clone()
                    };
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        receiver
    }

    /// What it says from now on: status, more headers, words.
    pub fn say(&self, status: &str, headers: &str, words: &str) {
        let length = words.len();
        self.shared.lock().unwrap().answer =
            format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{words}");
    }

    /// It says nothing from now on: the connection breaks.
    pub fn break_off(&self) {
        self.shared.lock().unwrap().answer.clear();
    }

    pub fn got(&self) -> Vec<Got> {
        self.shared.lock().unwrap().got.clone()
    }
}
