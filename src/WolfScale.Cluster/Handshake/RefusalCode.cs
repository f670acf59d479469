namespace WolfScale.Cluster.Handshake;

/// <summary>Why a connection between nodes was not made. The numbers are the protocol.</summary>
internal enum RefusalCode : byte
{
    None = 0,

    /// <summary>No protocol version is spoken by both.</summary>
    Version = 1,

    /// <summary>The proof is wrong: the secrets differ, or somebody in between changed the conversation.</summary>
    Secret = 2,

    /// <summary>The cluster names differ.</summary>
    ClusterName = 3,

    /// <summary>Both hold data, of different clusters.</summary>
    ClusterId = 4,

    /// <summary>Another live node has the same id.</summary>
    DuplicateNode = 5,

    /// <summary>One side speaks TLS and the other does not.</summary>
    Tls = 6,

    /// <summary>The node dialled itself.</summary>
    Self = 7,

    /// <summary>What was sent is not this protocol.</summary>
    Garbage = 8,

    /// <summary>The peer did not finish in time.</summary>
    Timeout = 9,

    /// <summary>The node is stopping or cannot serve.</summary>
    Unavailable = 10,
}

/// <summary>A handshake's failure as a value: who refused, at which rule, and the sentence for the log.</summary>
/// <param name="Remote">True when the other side refused; then <paramref name="Text"/> is its sentence, made printable.</param>
internal sealed record HandshakeRefusal(RefusalCode Code, string Text, bool Remote = false);
