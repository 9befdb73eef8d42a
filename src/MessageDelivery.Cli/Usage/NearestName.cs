namespace MessageDelivery.Cli.Usage;

/// <summary>Finds the name that somebody meant who wrote another one.</summary>
internal static class NearestName
{
    /// <summary>The nearest of the names; null where none is near enough that a person may have meant it.</summary>
    /// <param name="written">What was written; hyphens at its beginning do not count, here and in the names.</param>
    /// <param name="names">What there is.</param>
    public static string? Of(string written, IEnumerable<string> names)
    {
        string word = Bare(written);
        if (word.Length == 0)
        {
            return null;
        }

        return names
            .Select(name => (Name: name, Distance: Distance(word, Bare(name))))
            .Where(candidate => candidate.Distance <= (word.Length + 2) / 3)
            .OrderBy(candidate => candidate.Distance).ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .Select(candidate => candidate.Name)
            .FirstOrDefault();
    }

    private static string Bare(string name) => name.TrimStart('-').ToLowerInvariant();

    /// <summary>How many letters were left out, added, changed or exchanged with the next one; a beginning is one step from the whole.</summary>
    private static int Distance(string word, string name)
    {
        if (word.Length > 1 && word.Length < name.Length && name.StartsWith(word, StringComparison.Ordinal))
        {
            return 1;
        }

        int[,] steps = new int[word.Length + 1, name.Length + 1];
        for (int i = 0; i <= word.Length; i++)
        {
            for (int j = 0; j <= name.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    steps[i, j] = i + j;
                    continue;
                }

                int changed = word[i - 1] == name[j - 1] ? 0 : 1;
                int least = Math.Min(Math.Min(steps[i - 1, j], steps[i, j - 1]) + 1, steps[i - 1, j - 1] + changed);
                if (i > 1 && j > 1 && word[i - 1] == name[j - 2] && word[i - 2] == name[j - 1])
                {
                    least = Math.Min(least, steps[i - 2, j - 2] + 1);
                }

                steps[i, j] = least;
            }
        }

        return steps[word.Length, name.Length];
    }
}
