//! The Kubernetes manifest says what the program understands.

use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

const MANIFEST: &str = include_str!("../../../../deploy/indexed-job.yaml");

/// The claim of a volume, and the job.
fn documents() -> [Value; 2] {
    let documents = serde_norway::Deserializer::from_str(MANIFEST);
    let documents: Vec<Value> = documents.map(|one| Value::deserialize(one).unwrap()).collect();
    documents.try_into().unwrap()
}

#[test]
fn the_indexed_job_runs_as_many_shards_as_it_says() {
    let [_, job] = documents();
    assert_eq!((job["apiVersion"].as_str(), job["kind"].as_str()), (Some("batch/v1"), Some("Job")));
    let spec = &job["spec"];
    assert_eq!(spec["completionMode"].as_str(), Some("Indexed"));
    let container = &spec["template"]["spec"]["containers"][0];
    let shards = container["env"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"].as_str() == Some("MUSIC21_SHARDS"));
    let shards: i64 = shards.unwrap()["value"].as_str().unwrap().parse().unwrap();
    assert_eq!((spec["completions"].as_i64(), spec["parallelism"].as_i64()), (Some(shards), Some(shards)));
    the_last_shard_starts(container["args"].as_array().unwrap(), shards);
}

#[test]
fn a_shard_that_fails_ends_no_other_and_all_write_to_the_volume_that_comes_with_them() {
    let [claim, job] = documents();
    assert_eq!(claim["kind"].as_str(), Some("PersistentVolumeClaim"));
    let spec = &job["spec"];
    // A limit for the whole Job ends every pod once one has failed; one for each index needs `Never`.
    assert_eq!((spec["backoffLimitPerIndex"].as_i64(), spec["backoffLimit"].as_i64()), (Some(0), None));
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["restartPolicy"].as_str(), Some("Never"));
    let volume = &pod["volumes"][0];
    let named = volume["persistentVolumeClaim"]["claimName"].as_str();
    assert!(named.is_some() && named == claim["metadata"]["name"].as_str(), "{named:?}");
    assert_eq!(pod["containers"][0]["volumeMounts"][0]["name"].as_str(), volume["name"].as_str());
}

#[test]
fn manifest_and_dockerfile_name_the_image_of_this_version() {
    let tag = concat!("music21-mcp-bench:", env!("CARGO_PKG_VERSION"));
    for text in [MANIFEST, include_str!("../../../../deploy/Dockerfile")] {
        assert!(text.contains(tag), "{tag}");
    }
}

/// With the manifest's own arguments: what fails is only that its server is not here.
fn the_last_shard_starts(arguments: &[Value], shards: i64) {
    let directory = tempfile::tempdir().unwrap();
    let arguments = arguments.iter().map(|argument| {
        let argument = argument.as_str().unwrap().replace("/results/$(SHARD)", "results");
        argument.replace("http://music21-mcp:8000", "http://127.0.0.1:1")
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_music21-mcp-bench"));
    command.args(arguments).current_dir(directory.path());
    command.env("JOB_COMPLETION_INDEX", (shards - 1).to_string()).env("MUSIC21_SHARDS", shards.to_string());
    let output = command.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{message}");
    assert!(message.contains("127.0.0.1:1"), "{message}");
}
