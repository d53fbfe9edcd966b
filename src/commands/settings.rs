//! Settings that the command line can choose, instead of the environment.

use std::path::PathBuf;

use clap::Args;
use docket::{
    config::{Chosen, Config},
    telemetry::{self, Telemetry},
};
use tokio::runtime::{Builder, Runtime};

use super::Done;

/// The common settings; the README lists all.
#[derive(Args)]
pub struct CommonSettings {
    /// The database, as in DATABASE_URL, where a password belongs
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// The address to listen on, as in HOST
    #[arg(long, global = true, value_name = "ADDRESS")]
    host: Option<String>,
    /// The port to listen on, as in PORT; 0 for a free one
    #[arg(long, global = true)]
    port: Option<u16>,
    /// The file with settings that is read instead of .env in the working directory
    #[arg(long, global = true, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

impl CommonSettings {
    /// Reads all settings, which is done before any thread starts, and does what is to be done with them.
    pub fn started(self, work: impl FnOnce(&mut Config, &Runtime, &Telemetry) -> Done) -> Done {
        let mut config = Config::from_env(&self.chosen())?;
        let telemetry = telemetry::start(&config)?;
        let runtime = Builder::new_multi_thread().worker_threads(config.workers).enable_all().build()?;
        let done = work(&mut config, &runtime, &telemetry);
        // It would wait for names that are still looked up, for as long as name servers are silent.
        runtime.shutdown_background();
        done
    }

    fn chosen(self) -> Chosen {
        let port = self.port.map(|it| it.to_string());
        let all = [("DATABASE_URL", self.database), ("HOST", self.host), ("PORT", port)];
        let variables = all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Chosen { variables, file: self.env_file }
    }
}
