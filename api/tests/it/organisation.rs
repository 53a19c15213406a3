//! Settings of the organisation.

use crate::house::House;
use certyard_domain::inventory::refresh_due;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn other_start_days_show_in_lists_at_once_and_in_the_counts_with_the_next_round() {
    let house = House::new().await;
    let furnished = house.furnish("north").await;
    house.report(&furnished, 100).await;
    let counted = async |what: &str, days: i32| {
        let body = json!({ "start_days": days });
        let answer = house
            .call("PATCH", "/api/v1/organisation", Some(&house.owner), Some(&body))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let list = house.get("/api/v1/installations?status=expiring").await;
        assert_eq!(
            list["items"].as_array().map(Vec::len),
            Some(usize::from(what == "expiring"))
        );
        // A round of the worker.
        refresh_due(&house.db.db).await.expect("the counts follow");
        let summary = house
            .get(&format!("/api/v1/clusters/{}/summary", furnished.cluster))
            .await;
        let overview = house.get("/api/v1/overview").await;
        let cluster = house.get(&format!("/api/v1/clusters/{}", furnished.cluster)).await;
        for place in [&summary, &overview, &cluster] {
            let told = &place["identity"];
            let expected = json!({"total": 1, "valid": i32::from(what == "valid"), "expiring": i32::from(what == "expiring"), "expired": 0});
            assert_eq!(told, &expected, "{what} with {days} days");
        }
    };
    counted("valid", 30).await;
    counted("expiring", 120).await;
    counted("valid", 90).await;
}
