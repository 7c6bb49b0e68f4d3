//! The starts of cumulative sums.

use serde_json::json;

use super::*;

#[test]
fn a_start_may_differ_by_the_slack_and_not_by_more() {
    let by = |seconds: u64| {
        after(|tare| sum(&mut tare[2]).data_points[0].start_time_unix_nano += seconds * SECOND)
    };
    assert_eq!(by(2), []);
    assert_eq!(by(3), io(Aspect::Start));
    assert_eq!(after(|tare| sum(&mut tare[2]).data_points[0].start_time_unix_nano = 0), io(Aspect::Start));
}

#[test]
fn starts_further_apart_are_right_where_the_api_server_has_them_both_in_the_life_of_a_pod() {
    let apart = |seconds: u64| {
        let (mut collector, mut tare) = agreeing();
        for requests in [&mut collector, &mut tare] {
            set(requests, &[("k8s.pod.uid", "u")]);
        }
        for point in tare.iter_mut().flat_map(|request| &mut sum(request).data_points) {
            point.start_time_unix_nano += seconds * SECOND;
        }
        let started = json!([{"name": "c", "state": {"running": {"startedAt": "1970-01-01T00:00:09Z"}}}]);
        let status = json!({"startTime": "1970-01-01T00:00:05Z", "containerStatuses": started});
        let starts = Starts::of(&[json!({"metadata": {"uid": "u"}, "status": status})]);
        let settings = Settings { starts, ..settings() };
        Report::of(&Stream::of(&collector), &Stream::of(&tare), &settings, &Rules::default()).holds()
    };
    assert!(apart(0) && apart(5));
    assert!(!apart(6), "after the container had started");
}

#[test]
fn a_start_at_which_the_collector_began_to_look_binds_nobody_who_knows_better() {
    let with = |collector_start: u64, tare_start: u64| {
        let (mut collector, mut tare) = agreeing();
        for (requests, start) in [(&mut collector, collector_start), (&mut tare, tare_start)] {
            for request in requests {
                sum(request).data_points.iter_mut().for_each(|point| point.start_time_unix_nano = start);
            }
        }
        judge(&collector, &tare, &Rules::default()).holds()
    };
    let (booted, looked) = (5 * SECOND, START - SECOND);
    assert!(with(looked, booted) && with(looked, looked) && with(booted, booted));
    assert!(!with(booted, looked), "the collector knew when the source began");
    assert!(!with(looked, 0) && !with(looked, START + 3600 * SECOND), "no start, a start after the point");
}
