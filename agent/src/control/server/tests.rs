use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::control::client::{self, AskError};
use crate::control::protocol::{Answer, Request};

struct Echo;

impl Respond for Echo {
    fn respond(&self, request: Request) -> Answer {
        Answer::Refused { reason: format!("{request:?}") }
    }
}

fn echo() -> Arc<dyn Respond> {
    Arc::new(Echo)
}

/// Runs `test` on a thread of its own while the runtime serves.
fn with_server<T: Send + 'static>(test: impl FnOnce(PathBuf) -> T + Send + 'static) -> T {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tare.sock");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(async {
        let mut tasks = Tasks::default();
        serve(Socket::bind(&path).unwrap(), &echo(), &mut tasks).unwrap();
        let (done, finished) = tokio::sync::oneshot::channel();
        let inner = path.clone();
        let thread = std::thread::spawn(move || done.send(test(inner)).map_err(|_| ()).unwrap());
        let result = tokio::select! {
            exit = tasks.first_exit() => panic!("{exit}"),
            result = finished => result.unwrap(),
        };
        thread.join().unwrap();
        result
    });
    drop(runtime);
    assert!(!path.exists(), "the socket goes with the tasks");
    result
}

fn raw(path: &PathBuf, said: &[u8]) -> String {
    let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
    stream.write_all(said).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

#[test]
fn a_question_in_one_piece_or_in_many_is_answered_in_one_line() {
    with_server(|path| {
        let answer = client::ask(&path, Request::Resume).unwrap();
        assert_eq!(answer, Answer::Refused { reason: "Resume".to_owned() });
        let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
        for byte in b"{\"ask\":\"status\"}\n" {
            stream.write_all(&[*byte]).unwrap();
        }
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.contains("Status") && text.ends_with('\n'), "{text}");
    });
}

#[test]
fn a_line_without_end_is_refused_at_the_bound() {
    with_server(|path| {
        let answer = raw(&path, &[b'x'; MAX_REQUEST]);
        assert!(answer.contains("refused"), "{answer}");
    });
}

#[test]
fn clients_that_say_nothing_or_go_away_do_not_stop_the_others() {
    with_server(|path| {
        let silent: Vec<_> =
            (1..CLIENTS).map(|_| std::os::unix::net::UnixStream::connect(&path).unwrap()).collect();
        for _ in 0..20 {
            drop(std::os::unix::net::UnixStream::connect(&path).unwrap());
        }
        assert!(raw(&path, b"{\"ask\":\"resume\"}\n").contains("Resume"));
        drop(silent);
    });
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_loses_its_place_when_its_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tare.sock");
    let mut tasks = Tasks::default();
    serve(Socket::bind(&path).unwrap(), &echo(), &mut tasks).unwrap();
    let mut silent = Vec::new();
    for _ in 0..CLIENTS * 2 {
        silent.push(UnixStream::connect(&path).await.unwrap());
    }
    // The paused clock runs on by itself while everybody waits.
    let mut nothing = Vec::new();
    for client in &mut silent {
        client.read_to_end(&mut nothing).await.unwrap();
    }
    assert!(nothing.is_empty());
}

#[test]
fn where_nobody_answers_the_client_says_which_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tare.sock");
    for _ in 0..2 {
        let error = client::ask(&path, Request::Status).unwrap_err();
        assert!(
            matches!(error, AskError::Nobody { .. }) && error.to_string().contains("tare.sock"),
            "{error}"
        );
        // A socket whose owner is dead.
        let _ = std::os::unix::net::UnixListener::bind(&path);
    }
}

#[test]
fn an_answer_that_is_none_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tare.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let said = ["", "{}\n", "{\"answer\":\"health\",\"ok\":true"];
    let server = std::thread::spawn(move || {
        for text in said {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
            let mut line = String::new();
            BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
        }
    });
    for _ in said {
        assert!(matches!(client::ask(&path, Request::Status), Err(AskError::Answer { .. })));
    }
    server.join().unwrap();
}
