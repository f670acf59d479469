namespace WolfScale.Cluster.History;

/// <summary>What can happen. Scripts depend on these words; <c>docs/events.md</c> says what each means and which details it has.</summary>
public static class EventKinds
{
    public const string Started = "started";
    public const string Stopping = "stopping";
    public const string Elected = "elected";
    public const string LeaderChanged = "leader_changed";
    public const string LeaderLost = "leader_lost";
    public const string SteppedDown = "stepped_down";
    public const string Switchover = "switchover";
    public const string SwitchoverFailed = "switchover_failed";
    public const string NodeJoined = "node_joined";
    public const string NodeVotes = "node_votes";
    public const string NodeLostVote = "node_lost_vote";
    public const string NodeMoved = "node_moved";
    public const string NodeLeft = "node_left";
    public const string NodeDropped = "node_dropped";
    public const string NodeOffline = "node_offline";
    public const string NodeReturned = "node_returned";
    public const string NodeNeedsMigration = "node_needs_migration";
    public const string DatabaseUnfit = "database_unfit";
    public const string DatabaseFit = "database_fit";
    public const string DatabaseOpened = "database_opened";
    public const string Diverged = "diverged";
    public const string Discarded = "discarded";
    public const string Rewound = "rewound";
    public const string MigrationStarted = "migration_started";
    public const string MigrationDone = "migration_done";
    public const string MigrationFailed = "migration_failed";
    public const string Alarm = "alarm";
    public const string Error = "error";
    public const string ErrorOver = "error_over";
    public const string Verified = "verified";
    public const string Different = "different";
    public const string Maintenance = "maintenance";
    public const string Operator = "operator";
    public const string Recovered = "recovered";
    public const string Superseded = "superseded";
    public const string EventsLost = "events_lost";
}
