namespace WolfScale.MariaDb;

/// <summary>A dump is refused, or broke off; the message says why, and what to do.</summary>
public sealed class DumpException : Exception
{
    public DumpException(string message)
        : base(message)
    {
    }

    public DumpException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public DumpException()
    {
    }
}
