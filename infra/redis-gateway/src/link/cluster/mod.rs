//! Redis Cluster: a link to each node, and every command sent to the node that serves its slot.
//!
//! A pipeline is split by nodes and its answers are put in order again; a transaction goes to one node as a
//! whole, so its keys have to be in one slot. Where a slot moved or is moving, the node says so, has done
//! nothing, and the command follows. A command is still sent at most once to a node that may execute it; the
//! outcome of a request is unknown if that of any part is. Commands without keys go to one node, and mean
//! that node alone.

mod map;
mod parts;
mod slots;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use self::map::Maps;
use self::parts::{Part, finished, parts, replies};
use self::slots::{MAX_NODES, Redirect};
use super::address::Endpoint;
use super::{Delivery, Line, LinkError, LinkOptions};
use crate::admission::Admission;
use crate::answer::{Answer, Finished, Format, Item};
use crate::resp::encode_command;

/// How often a command is sent on before its sender is told to try again.
const ROUNDS: usize = 5;

/// What a client is told whose slot has no peace.
const TRY_AGAIN: &[u8] = b"-TRYAGAIN the slot of the key is moving from node to node\r\n";

/// The links to a cluster's nodes. When it is dropped, they end.
#[derive(Debug)]
pub(crate) struct Cluster {
    options: LinkOptions,
    maps: Maps,
    nodes: Mutex<HashMap<Endpoint, Line>>,
    tasks: Mutex<JoinSet<()>>,
    _alive: oneshot::Sender<()>,
}

/// Commands for one node, by their positions in the request.
#[derive(Debug, Default)]
struct Share {
    commands: Vec<u8>,
    positions: Vec<usize>,
    /// Every command is preceded by `ASKING`, because its slot is on its way to this node.
    asking: bool,
}

impl Cluster {
    /// Starts to learn who serves what. The handle ends with the cluster.
    pub(super) fn start(options: LinkOptions) -> (Arc<Cluster>, JoinHandle<()>) {
        let (alive, gone) = oneshot::channel();
        let mut tasks = JoinSet::new();
        let maps = Maps::start(&options, &mut tasks);
        let (nodes, tasks) = (Mutex::default(), Mutex::new(tasks));
        let ended = tokio::spawn(async { drop(gone.await) });
        (Arc::new(Cluster { options, maps, nodes, tasks, _alive: alive }), ended)
    }

    /// Sends a request, and goes on with it when nobody waits any more: so its room is held as long as
    /// its parts are.
    pub(super) async fn send(
        self: Arc<Self>,
        commands: Vec<u8>,
        answer: Answer,
        admission: Option<Admission>,
    ) -> Result<Delivery, LinkError> {
        let request = tokio::spawn(async move {
            let finished = self.answer(&commands, answer).await?;
            Ok(Delivery { finished, admission })
        });
        request.await.unwrap_or_else(|_| Err(LinkError::OutcomeUnknown("the gateway is stopping".into())))
    }

    async fn answer(&self, commands: &[u8], answer: Answer) -> Result<Finished, LinkError> {
        let malformed = || LinkError::NotSent("the request cannot be taken apart".into());
        let parts = parts(commands).ok_or_else(malformed)?;
        if answer.is_all_or_nothing() {
            return self.whole(commands, &parts, answer).await;
        }
        let replies = self.split(&parts, answer.limit()).await?;
        finished(answer, &replies).ok_or_else(incomplete)
    }

    /// One command, or one transaction.
    async fn whole(
        &self,
        commands: &[u8],
        parts: &[Part<'_>],
        answer: Answer,
    ) -> Result<Finished, LinkError> {
        let mut slots = parts.iter().filter_map(|part| part.slot);
        let slot = slots.next();
        if slots.any(|other| Some(other) != slot) {
            return Err(LinkError::SeveralSlots);
        }
        let mut node = self.maps.owner(slot).await?;
        for _ in 0..ROUNDS {
            let delivered = self.line(&node)?.send(commands.to_vec(), answer.clone(), None).await;
            let finished = delivered.inspect_err(|_| self.maps.refresh())?.finished;
            match finished.redirect.as_deref().and_then(|text| Redirect::read(text, &node)) {
                None => return Ok(finished),
                Some(Redirect::Moved(slot, there)) => {
                    self.maps.moved(slot, there.clone());
                    node = there;
                }
                Some(Redirect::Ask(there)) => return self.once(&there, parts, answer).await,
            }
        }
        Err(LinkError::Moving)
    }

    /// One command at a node that has its slot only in part.
    async fn once(&self, node: &Endpoint, parts: &[Part<'_>], answer: Answer) -> Result<Finished, LinkError> {
        // In a transaction, ASKING would count for MULTI alone.
        let [part] = parts else { return Err(LinkError::Moving) };
        let mut share = Share { asking: true, ..Share::default() };
        share.add(0, part);
        let replies = share.exchange(&self.line(node)?, answer.limit()).await?;
        let replies: Vec<_> = replies.into_iter().map(|(_, reply)| reply).collect();
        finished(answer, &replies).ok_or_else(incomplete)
    }

    /// The replies to the commands of a pipeline, in their order.
    async fn split(&self, parts: &[Part<'_>], limit: usize) -> Result<Vec<Vec<u8>>, LinkError> {
        let mut answered: Vec<Option<Vec<u8>>> = vec![None; parts.len()];
        let home = parts.iter().find_map(|part| part.slot);
        let mut shares = Shares::default();
        for (position, part) in parts.iter().enumerate() {
            shares.add((self.maps.owner(part.slot.or(home)).await?, false), position, part);
        }
        for round in 0..ROUNDS {
            let mut next = Shares::default();
            for (node, position, reply) in self.exchange(shares, limit, round > 0).await? {
                let (Some(part), Some(place)) = (parts.get(position), answered.get_mut(position)) else {
                    continue;
                };
                let text = reply.strip_prefix(b"-").and_then(|text| std::str::from_utf8(text).ok());
                match text.and_then(|text| Redirect::read(text.trim_end(), &node)) {
                    None => *place = Some(reply),
                    Some(Redirect::Ask(there)) => next.add((there, true), position, part),
                    Some(Redirect::Moved(slot, there)) => {
                        self.maps.moved(slot, there.clone());
                        next.add((there, false), position, part);
                    }
                }
            }
            shares = next;
            if shares.0.is_empty() {
                break;
            }
        }
        Ok(answered.into_iter().map(|reply| reply.unwrap_or_else(|| TRY_AGAIN.to_vec())).collect())
    }

    /// Sends every node its share at once, and tells what each command was answered, in the order of the
    /// request. `after_others` says that parts of the request may have been executed before.
    async fn exchange(
        &self,
        shares: Shares,
        limit: usize,
        after_others: bool,
    ) -> Result<Vec<(Endpoint, usize, Vec<u8>)>, LinkError> {
        let with_line = |((node, _), share)| self.line(&node).map(|line| (node, share, line));
        // All links before the first byte: without one, nothing of this is sent.
        let shares = shares.0.into_iter().map(with_line).collect::<Result<Vec<_>, _>>();
        let shares = shares.map_err(|error| if after_others { unknown(&error) } else { error })?;
        let mut sent = JoinSet::new();
        for (node, share, line) in shares {
            sent.spawn(async move {
                let outcome = share.exchange(&line, limit).await;
                (node, outcome)
            });
        }
        let (mut answered, mut failed, mut executed) = (Vec::new(), None, after_others);
        while let Some(ended) = sent.join_next().await {
            match ended.map_err(|_| incomplete()).and_then(|(node, outcome)| Ok((node, outcome?))) {
                Ok((node, replies)) => {
                    executed = true;
                    answered
                        .extend(replies.into_iter().map(|(position, reply)| (node.clone(), position, reply)));
                }
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) => {
                self.maps.refresh();
                Err(if executed { unknown(&error) } else { error })
            }
            None => {
                answered.sort_by_key(|(_, position, _)| *position);
                Ok(answered)
            }
        }
    }

    /// The link to a node; there is one from the first time that it is needed.
    fn line(&self, node: &Endpoint) -> Result<Line, LinkError> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = nodes.get(node) {
            return Ok(line.clone());
        }
        // Those that serve no slot any more.
        let current = self.maps.current();
        nodes.retain(|known, _| current.as_ref().is_none_or(|map| map.nodes().contains(known)));
        if nodes.len() >= MAX_NODES {
            return Err(LinkError::NotSent("the cluster names more nodes than it can have".into()));
        }
        let options = LinkOptions { address: self.options.address.at(node.clone()), ..self.options.clone() };
        let (line, run) = Line::new(options);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(run);
        nodes.insert(node.clone(), line.clone());
        Ok(line)
    }
}

/// The shares of all nodes, by node and by whether it has to be told that it is asked.
#[derive(Debug, Default)]
struct Shares(HashMap<(Endpoint, bool), Share>);

impl Shares {
    fn add(&mut self, to: (Endpoint, bool), position: usize, part: &Part<'_>) {
        let asking = to.1;
        self.0.entry(to).or_insert_with(|| Share { asking, ..Share::default() }).add(position, part);
    }
}

impl Share {
    fn add(&mut self, position: usize, part: &Part<'_>) {
        if self.asking {
            encode_command(&mut self.commands, &["ASKING"]);
        }
        self.commands.extend_from_slice(part.bytes);
        self.positions.push(position);
    }

    /// What the node answers to each of the commands.
    async fn exchange(self, line: &Line, limit: usize) -> Result<Vec<(usize, Vec<u8>)>, LinkError> {
        // That to ASKING comes before each.
        let each = if self.asking { 2 } else { 1 };
        let items = (0..self.positions.len() * each).map(|_| Item::Reply).collect();
        let answer = Answer::pipeline(limit, Format::Resp2, items);
        let finished = line.send(self.commands, answer, None).await?.finished;
        let replies = replies(&finished.body).ok_or_else(incomplete)?;
        let replies = replies.into_iter().skip(each - 1).step_by(each);
        Ok(self.positions.into_iter().zip(replies).collect())
    }
}

/// What a part's failure means for a request of which other parts may have been executed.
fn unknown(error: &LinkError) -> LinkError {
    LinkError::OutcomeUnknown(error.to_string().into())
}

fn incomplete() -> LinkError {
    LinkError::OutcomeUnknown("a reply was incomplete".into())
}
