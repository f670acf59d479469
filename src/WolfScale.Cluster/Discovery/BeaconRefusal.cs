namespace WolfScale.Cluster.Discovery;

/// <summary>Why a packet on the discovery port changes nothing.</summary>
internal enum BeaconRefusal
{
    /// <summary>It is not refused.</summary>
    None,

    /// <summary>Too short or too long for a beacon.</summary>
    Size,

    /// <summary>Not a beacon, or of a version that this build does not know.</summary>
    Format,

    /// <summary>Signed with another secret, for another cluster name, or by nobody; or changed on the way.</summary>
    Signature,

    /// <summary>Genuine, and made too long ago (or too far ahead): kept back, or the clocks differ.</summary>
    OutOfTime,

    /// <summary>Genuine, and not newer than what was heard of that node: a copy from another interface, or a replay.</summary>
    Repeated,
}
