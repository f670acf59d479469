using Microsoft.Extensions.Logging;
using WolfScale.MariaDb.Connections;
using WolfScale.MariaDb.Dump;
using WolfScale.MariaDb.Following;
using WolfScale.MariaDb.Health;
using WolfScale.MariaDb.Log;
using WolfScale.MariaDb.Migration;
using WolfScale.MariaDb.Plans;
using WolfScale.MariaDb.Positions;
using WolfScale.MariaDb.Preflight;
using WolfScale.MariaDb.Rewind;
using WolfScale.MariaDb.Roles;

namespace WolfScale.MariaDb;

/// <summary>What the roles work with while one administrative connection lasts. A new connection means a new context: nothing learned before counts.</summary>
internal sealed record ServerContext
{
    public required DatabaseOptions Options { get; init; }

    public required ServerConnector Connector { get; init; }

    public required AdminConnection Server { get; init; }

    public required ServerFacts Facts { get; init; }

    public required IReplicatedLog Log { get; init; }

    public required FeedReplication Feed { get; init; }

    public required PlanRunner Plans { get; init; }

    public required IPlanStore Store { get; init; }

    public required StateBoard Board { get; init; }

    public required ILogger Logger { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>
    /// Ends with the controller. What must not stop half-way because the role changes, demotion and rewind, goes by this: the next role begins
    /// where it has ended.
    /// </summary>
    public required CancellationToken Stopping { get; init; }

    /// <summary>Whether an open, gated server may stay so: nobody else is known to lead, and the node does not stop.</summary>
    public required Func<bool> MayHold { get; init; }

    /// <summary>The server's id of our capture's connection; 0: none.</summary>
    public required Func<long> CaptureConnection { get; init; }

    /// <summary>The watch over semi-sync replicas of others: one for all roles, so that it remembers what it saw.</summary>
    public ForeignAcks ForeignAcks => field ??= new ForeignAcks(this);

    /// <summary>The watch over the server's disks: one for all roles, so that it remembers what was full.</summary>
    public ServerDisks Disks => field ??= new ServerDisks(Facts, Options, Time);

    /// <summary>Looks whether the server can write. One that cannot is not fit, in whatever role, and says why.</summary>
    public async Task LookAtDisksAsync()
    {
        await Disks.LookAsync(Server);
        Board.Update(s => s with { CannotWrite = Disks.Refusal });
    }

    /// <summary>Where the server stands: one reader for all roles, so that it verifies once.</summary>
    public StandingReader Standing => field ??= new StandingReader(this);

    /// <summary>The rejoin ladder: one for all roles, so that it remembers what it has found hopeless.</summary>
    public RejoinLadder Ladder => field ??= new RejoinLadder(this);

    /// <summary>The ladder's second rung: a copy of another node's data.</summary>
    public Migrations Migrations => field ??= new Migrations(this, Orders);

    /// <summary>What operators ask of it.</summary>
    public required MigrationOrders Orders { get; init; }

    /// <summary>Looks again at what the other members tell, which was not all known when preflight ran.</summary>
    /// <exception cref="PreflightOutdatedException">This server must give way.</exception>
    public void CheckPeers(bool leads)
    {
        var findings = ClusterRules.Check(Facts, new PreflightContext { NodeId = Options.NodeId, Leads = leads, Peers = Options.Peers() });
        if (findings.Any(f => f.Severity == FindingSeverity.Refusal))
            throw new PreflightOutdatedException();
    }

    /// <summary>Who wants the feed held, because the server is copied.</summary>
    public required FeedHold Hold { get; init; }

    /// <summary>Whether preflight lets this server lead.</summary>
    public required bool CanLead { get; init; }

    /// <summary>Why it cannot, one line; empty where it can.</summary>
    public required string CannotLeadReason { get; init; }
}

/// <summary>What preflight said no longer holds: it runs again.</summary>
internal sealed class PreflightOutdatedException : Exception;
