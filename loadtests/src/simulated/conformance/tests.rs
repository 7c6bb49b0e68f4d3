use super::simulated::Simulated;

#[test]
fn the_simulated_server_answers_the_whole_script_as_expected() {
    let seen = super::run(&mut Simulated::start().unwrap()).unwrap();
    assert_eq!(seen.len(), super::script::SCRIPT.len());
    let wrong = seen.iter().filter(|(step, seen)| seen.summary != step.expected);
    let wrong: Vec<_> =
        wrong.map(|(step, seen)| format!("{}: {}\n{}", step.what, seen.summary, seen.detail)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
