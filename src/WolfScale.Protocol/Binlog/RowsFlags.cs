namespace WolfScale.Protocol.Binlog;

/// <summary>Flags of a row event.</summary>
[Flags]
public enum RowsFlags : ushort
{
    None = 0,
    EndOfStatement = 1,
    NoForeignKeyChecks = 2,
    NoUniqueKeyChecks = 4,
    CompleteRows = 8,
    NoCheckConstraintChecks = 0x80,
}
