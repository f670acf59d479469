namespace WolfScale.Protocol.Binlog;

/// <summary>Flags of an event's header (<c>LOG_EVENT_*_F</c> in <c>sql/log_event.h</c>).</summary>
[Flags]
public enum EventHeaderFlags : ushort
{
    None = 0,

    /// <summary>In a FORMAT_DESCRIPTION event: the file was not closed properly, or is being written.</summary>
    BinlogInUse = 0x1,
    ThreadSpecific = 0x4,
    SuppressUse = 0x8,

    /// <summary>Made up by the sender; does not stand in its file and does not move the receiver's position.</summary>
    Artificial = 0x20,
    RelayLog = 0x40,
    Ignorable = 0x80,

    /// <summary>Written under <c>skip_replication=1</c>.</summary>
    SkipReplication = 0x8000,
}
