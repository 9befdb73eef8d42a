namespace MessageDelivery.Client.Tests;

/// <summary>The page that says how a client lives in an application.</summary>
internal static class Guide
{
    public static string File()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !System.IO.File.Exists(Path.Combine(folder, "MessageDelivery.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return Path.Combine(folder!, "docs", "hosting.md");
    }
}
