//! Metrics of replicas.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

/// Where the data of users was read.
#[derive(Clone, Debug, Default)]
pub struct ReplicaReads {
    /// The replicas as they are now.
    pub replicas: Vec<ReplicaSample>,
    /// How many statements were answered by a replica, and by the primary.
    pub sources: [(&'static str, u64); 2],
    /// How many requests read at the primary, by reason.
    pub fallbacks: [(&'static str, u64); 3],
}

/// A replica as it is now.
#[derive(Clone, Debug, Default)]
pub struct ReplicaSample {
    /// Its host and port.
    pub address: String,
    /// Whether it is read.
    pub is_in_use: bool,
    /// How far it is behind the primary.
    pub lag: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReplicaLabel {
    replica: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabel {
    source: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

impl ReplicaReads {
    pub(super) fn register(&self, registry: &mut Registry) {
        let sources = Family::<SourceLabel, Counter>::default();
        for (source, count) in self.sources {
            sources.get_or_create(&SourceLabel { source }).inc_by(count);
        }
        registry.register("docket_reads", "Statements that read the data of users, by where", sources);
        let fallbacks = Family::<ReasonLabel, Counter>::default();
        for (reason, count) in self.fallbacks {
            fallbacks.get_or_create(&ReasonLabel { reason }).inc_by(count);
        }
        registry.register("docket_replica_fallbacks", "Requests that the primary answered instead", fallbacks);
        let (in_use, lag) =
            (Family::<ReplicaLabel, Gauge>::default(), Family::<ReplicaLabel, Gauge<f64, AtomicU64>>::default());
        for replica in &self.replicas {
            let label = ReplicaLabel { replica: replica.address.clone() };
            in_use.get_or_create(&label).set(i64::from(replica.is_in_use));
            lag.get_or_create(&label).set(replica.lag.as_secs_f64());
        }
        registry.register("docket_replica_in_use", "Whether a replica is read", in_use);
        registry.register_with_unit(
            "docket_replica_lag",
            "How far a replica is behind the primary",
            Unit::Seconds,
            lag,
        );
    }
}
