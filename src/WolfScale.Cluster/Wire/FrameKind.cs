namespace WolfScale.Cluster.Wire;

/// <summary>
/// The first byte of every frame after its length. The numbers are the protocol: they are never reused. Those from <see cref="FrameKinds.FirstOptional"/> on
/// are for what a node may leave unheard (docs/architecture.md, Versions).
/// </summary>
internal enum FrameKind : byte
{
    // Handshake: the only kinds accepted before authentication.
    Hello = 1,
    Challenge = 2,
    Proof = 3,
    Verdict = 4,
    Refusal = 5,

    // Consensus.
    PreVoteRequest = 16,
    PreVoteResponse = 17,
    VoteRequest = 18,
    VoteResponse = 19,
    AppendRequest = 20,
    AppendResponse = 21,
    TimeoutNow = 22,

    // Cluster.
    Status = 32,
    JoinRequest = 33,
    JoinResponse = 34,
    ReadIndexRequest = 35,
    ReadIndexResponse = 36,
    LeaveRequest = 37,
    LogStart = 40,

    // Optional.
    Sightings = 128,
    CommitTimes = 130, // 129 was a p95 alone, and never released
    ClientQuestion = 131,
    ClientAnswer = 132,
    ClientAnswers = 133,
}

internal static class FrameKinds
{
    /// <summary>A node that does not know a kind from here on skips the frame; one that does not know a kind below closes the connection.</summary>
    public const byte FirstOptional = 128;

    public static bool IsOptional(this FrameKind kind) => (byte)kind >= FirstOptional;
}
