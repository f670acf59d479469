namespace WolfScale.Wal;

/// <summary>What an entry holds. The numbers are on disk and on the wire: never renumber.</summary>
public enum EntryKind : byte
{
    /// <summary>Not a kind: a zeroed byte is never a valid entry.</summary>
    None = 0,

    /// <summary>A leader's first entry in its term (Raft §8); it carries nothing for the database.</summary>
    NoOp = 1,

    /// <summary>A cluster configuration; always the only entry of its batch.</summary>
    Configuration = 2,

    /// <summary>A MariaDB binlog event group, or a piece of one.</summary>
    Group = 3,
}

/// <summary>Where a <see cref="EntryKind.Group"/> entry stands in its group. An entry that is a whole group has both flags.</summary>
[Flags]
public enum EntryFlags : byte
{
    /// <summary>A piece from the middle of a group (or an entry that is not of a group).</summary>
    None = 0,

    /// <summary>The first entry of its group.</summary>
    First = 1,

    /// <summary>The last entry of its group: the group is complete, if its pieces stand directly before it (rule C7).</summary>
    Last = 2,
}
