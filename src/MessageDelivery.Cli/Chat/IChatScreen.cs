namespace MessageDelivery.Cli.Chat;

/// <summary>Where a person, or a script in its place, types and reads. Showing is safe from any thread.</summary>
internal interface IChatScreen
{
    /// <summary>What stands before the line being typed, where there is such a line.</summary>
    string Prompt { set; }

    /// <summary>Shows a text of one or more lines, above the line being typed.</summary>
    void Show(string text);

    /// <summary>The next typed line; null at the end of the input.</summary>
    ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken);
}
