using System.Globalization;
using System.Text.RegularExpressions;
using WolfScale.Consensus;

namespace WolfScale.Scenarios;

/// <summary>Effects, messages and nodes as lines of text, short enough to read a whole election at a glance.</summary>
internal static partial class Format
{
    private static readonly Dictionary<uint, string> Owners = Enumerable.Range(1, 9)
        .SelectMany(i => new[] { new NodeKey($"n{i}", 1), new NodeKey($"n{i}", 2) })
        .ToDictionary(Epoch.OwnerOf, Key);

    /// <summary>The terms of mode "available" as COUNTER.NODE.</summary>
    public static string Epochs(string line) => LongNumber().Replace(line, number =>
    {
        long term = long.Parse(number.Value, CultureInfo.InvariantCulture);
        return Owners.TryGetValue((uint)term, out string? owner) ? $"{Epoch.Counter(term)}.{owner}" : number.Value;
    });

    [GeneratedRegex(@"\b\d{10,}\b")]
    private static partial Regex LongNumber();

    public static string Effect(string id, Effect effect) => effect switch
    {
        Effect.Send send => $"{id} -> {send.Message.To.Id}: {Message(send.Message)}",
        Effect.PersistHardState persist => $"{id}: persist term {persist.State.Term}{(persist.State.Vote is { } vote ? $", vote {Key(vote)}" : "")}",
        Effect.AppendOwn own => $"{id}: append {Batch(own.Batch)}{(own.Batch.Configuration is null ? " (no-op)" : "")}",
        Effect.AppendReceived received => $"{id}: append {Batches(received.Request.Batches.Skip(received.FirstBatch))}",
        Effect.Discarding discarding => $"{id}: discards {discarding.LastKeptLsn + 1} to {discarding.LastLsn}, commit {discarding.CommitLsn}",
        Effect.Truncate truncate => $"{id}: truncate after {truncate.LastKeptLsn}",
        Effect.CommitAdvanced commit => $"{id}: commit {commit.Lsn}",
        Effect.RoleChanged role => $"{id}: {Role(role)}",
        Effect.ConfigurationChanged changed => $"{id}: configuration {Members(changed.Active)}",
        Effect.ReadIndexReady read => $"{id}: read {read.Context} ready at {read.Lsn}",
        Effect.ReadIndexAborted read => $"{id}: read {read.Context} aborted",
        Effect.LeadershipTransferEnded transfer => $"{id}: transfer to {Key(transfer.Target)} {(transfer.Succeeded ? "succeeded" : $"failed: {transfer.Reason}")}",
        Effect.SafetyAlarm alarm => $"{id}: ALARM {alarm.What}",
        _ => throw new ArgumentOutOfRangeException(nameof(effect)),
    };

    public static string Members(Configuration configuration) => string.Join(' ', configuration.Members.Select(member =>
        Key(member.Key) + (member.IsVoter ? "" : ":learner") + (member.NeverLeader ? ":never_leader" : "") + (member.Witness ? ":witness" : "")));

    public static string Log(ScriptedNode node) =>
        $"{node.Id}: {string.Join(' ', node.Log.Memory.Select(stored => Batch(stored.Batch)))}";

    public static string Status(string id, CoreStatus status)
    {
        string leader = status.Leader is { } key ? Key(key) : "unknown";
        string members = status.Configuration is { } configuration ? Members(configuration) : "no configuration";
        return $"{id}: {status.Role.ToString().ToLowerInvariant()} in term {status.Term}, leader {leader}, commit {status.CommitLsn}, "
            + $"last {status.Last}, durable {status.DurableLsn}, {members}";
    }

    public static string Peer(PeerStatus peer) =>
        $"{Key(peer.Key)}: {peer.State}, match {peer.MatchLsn}, next {peer.NextLsn}, "
        + $"{peer.InflightMessages} messages of {peer.InflightBytes} bytes in flight";

    public static string Batch(BatchInfo batch) =>
        $"{(batch.FirstLsn == batch.LastLsn ? $"{batch.FirstLsn}" : $"{batch.FirstLsn}-{batch.LastLsn}")}@{batch.Term}"
        + (batch.Configuration is { } configuration ? $"[{Members(configuration)}]" : "");

    /// <summary>The first incarnation is the usual one and goes without saying.</summary>
    public static string Key(NodeKey key) => key.Incarnation == 1 ? key.Id : key.ToString();

    private static string Batches(IEnumerable<BatchInfo> batches) => string.Join(' ', batches.Select(Batch));

    private static string Role(Effect.RoleChanged role)
    {
        string text = $"{role.Role.ToString().ToLowerInvariant()} in term {role.Term}";
        if (role.Role == RaftRole.Leader)
            return text + (role.MayServe ? ", may serve" : ", must not serve");
        return role.Leader is { } leader ? $"{text}, leader {Key(leader)}" : text;
    }

    private static string Message(Message message) => message switch
    {
        PreVoteRequest request => $"PreVoteRequest term {request.Term}, last {request.Last}{Placed(request.Standing)}",
        PreVoteResponse response => $"PreVoteResponse term {response.Term}, {(response.Granted ? "granted" : "refused")}",
        VoteRequest request => $"VoteRequest term {request.Term}, last {request.Last}{Placed(request.Standing)}{(request.LeaderTransfer ? ", transfer" : "")}",
        VoteResponse response => $"VoteResponse term {response.Term}, {(response.Granted ? "granted" : "refused")}",
        TimeoutNow timeout => $"TimeoutNow term {timeout.Term}",
        AppendRequest request => $"Append term {request.Term} after {request.Previous}"
            + (request.Batches.IsEmpty ? "" : $": {Batches(request.Batches)}")
            + $", commit {request.CommitLsn}" + (request.ReadIndexContext > 0 ? $", round {request.ReadIndexContext}" : "")
            + (request.AnswerNow ? "?" : ""),
        AppendResponse { Success: true } response => $"Accepted term {response.Term}, match {response.MatchLsn}{Placed(response.Standing)}{Round(response)}",
        AppendResponse response => $"Refused term {response.Term}, previous {response.PreviousLsn}, hint {response.Hint}{Round(response)}",
        _ => throw new ArgumentOutOfRangeException(nameof(message)),
    };

    private static string Round(AppendResponse response) => response.ReadIndexContext > 0 ? $", round {response.ReadIndexContext}" : "";

    private static string Placed(Standing standing) => standing.MayServe ? "" : ", may not serve";
}
