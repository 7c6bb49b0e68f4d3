//! Answers on the socket, on the agent's runtime: a fixed number of owned tasks, each with one client at a time.
//!
//! So the number of clients, the length of what they say and the time that they take are all bounded; one that does
//! not hurry keeps a place for [`TIME_LIMIT`] at most.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::protocol::{self, MAX_REQUEST, Respond, TIME_LIMIT};
use super::socket::Socket;
use crate::lifecycle::Tasks;

#[cfg(test)]
mod tests;

/// Clients that are served at a time.
pub const CLIENTS: usize = 4;

/// Serves `socket` until the tasks are dropped, which also removes it.
///
/// # Errors
/// Where the runtime does not take the socket.
pub fn serve(socket: Socket, responder: &Arc<dyn Respond>, tasks: &mut Tasks) -> std::io::Result<()> {
    let listener = Arc::new(UnixListener::from_std(socket.listener().try_clone()?)?);
    let socket = Arc::new(socket);
    for _ in 0..CLIENTS {
        let (listener, responder) = (Arc::clone(&listener), Arc::clone(responder));
        let socket = Arc::clone(&socket);
        tasks.own("control", async move {
            let _removed_with_the_last_task = socket;
            answer_all(&listener, &*responder).await;
        });
    }
    Ok(())
}

async fn answer_all(listener: &UnixListener, responder: &dyn Respond) {
    loop {
        match listener.accept().await {
            // A client that is too slow or went away has only itself to blame.
            Ok((client, _)) => drop(tokio::time::timeout(TIME_LIMIT, answer(client, responder)).await),
            // No descriptors are left, say: there may be some again.
            Err(error) => {
                tracing::debug!(%error, "a client of the control socket was not accepted");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(mut client: UnixStream, responder: &dyn Respond) -> std::io::Result<()> {
    let mut line = Vec::new();
    while !line.contains(&b'\n') && line.len() < MAX_REQUEST {
        let room = (MAX_REQUEST - line.len()) as u64;
        if (&mut client).take(room).read_buf(&mut line).await? == 0 {
            break;
        }
    }
    let asked = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    client.write_all(&protocol::exchange(asked, responder)).await?;
    client.shutdown().await
}
