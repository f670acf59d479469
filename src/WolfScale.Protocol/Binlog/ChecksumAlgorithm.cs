namespace WolfScale.Protocol.Binlog;

/// <summary>Last byte of a format description (<c>enum_binlog_checksum_alg</c>).</summary>
public enum ChecksumAlgorithm : byte
{
    None = 0,
    Crc32 = 1,
}
