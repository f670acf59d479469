namespace WolfScale.MariaDb;

/// <summary>The server cannot do what is needed; the message says what happened, to what, and what to do.</summary>
public sealed class DatabaseException : Exception
{
    public DatabaseException(string message)
        : base(message)
    {
    }

    public DatabaseException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public DatabaseException()
    {
    }
}
