<%--
Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.

The API's two calls as a web application: what it answers follows from the login name alone.
  bulk-N         N records
  obm            the record of the vendor's example, with the text of the request's backup set ID in it
  counters:NAME  one record about the requests whose User-Agent was NAME: ID sessions opened, UserId requests,
                 BackupSetID requests that allowed an encoding
Each request without a session opens one, as such applications do unless told otherwise.
--%>
<%@ page contentType="application/json;charset=UTF-8" trimDirectiveWhitespaces="true"
         import="java.io.*,java.util.*,java.util.concurrent.*,java.util.concurrent.atomic.*,java.util.regex.*" %>
<%!
static class Seen {
    final AtomicLong sessions = new AtomicLong(), requests = new AtomicLong(), encodings = new AtomicLong();
}

static final Map<String, Seen> seen = new ConcurrentHashMap<>();

static Seen by(String agent) {
    return seen.computeIfAbsent(agent == null ? "" : agent, name -> new Seen());
}

static final Pattern member = Pattern.compile("\"(\\w+)\":\"((?:[^\"\\\\]|\\\\.)*)\"");
static final Pattern escape = Pattern.compile("\\\\(u([0-9a-fA-F]{4})|.)");

static Map<String, String> strings(String json) {
    Map<String, String> found = new HashMap<>();
    Matcher each = member.matcher(json);
    while (each.find())
        found.put(each.group(1), escape.matcher(each.group(2)).replaceAll(one -> Matcher.quoteReplacement(
            one.group(2) == null ? one.group(1) : String.valueOf((char) Integer.parseInt(one.group(2), 16)))));
    return found;
}

static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray())
        if (c == '"' || c == '\\') out.append('\\').append(c);
        else if (c < 0x20) out.append(String.format("\\u%04x", (int) c));
        else out.append(c);
    return out.append('"').toString();
}

static void error(JspWriter out, String message) throws IOException {
    out.print("{\"ExptType\":\"com.ahsay.obs.core.dbs.c\",\"Status\":\"Error\",\"Message\":" + quoted(message) + "}");
}
%>
<%
if (!request.getMethod().equals("POST")) {
    response.sendError(405);
    return;
}
Seen mine = by(request.getHeader("User-Agent"));
mine.requests.incrementAndGet();
if (request.getHeader("Accept-Encoding") != null)
    mine.encodings.incrementAndGet();
if (session.isNew())
    mine.sessions.incrementAndGet();

request.setCharacterEncoding("UTF-8");
StringBuilder body = new StringBuilder();
char[] piece = new char[4096];
for (int count; (count = request.getReader().read(piece)) >= 0; )
    body.append(piece, 0, count);
Map<String, String> asked = strings(body.toString());
if (!"system".equals(asked.get("SysUser")) || !"system1".equals(asked.get("SysPwd"))) {
    error(out, "Incorrect system username/password");
    return;
}
if (request.getServletPath().endsWith("ListUsers.do")) {
    out.print("{\"Status\":\"OK\",\"User\":[{\"LoginName\":\"obm\"},{\"LoginName\":\"bulk-7\"}]}");
    return;
}
String name = asked.get("LoginName");
String date = asked.get("BackupDate");
if (name == null || date == null || !date.matches("\\d{4}-\\d{2}-\\d{2}(-\\d{2}-\\d{2}-\\d{2})?")) {
    error(out, "LoginName or BackupDate is missing");
    return;
}
String day = date.substring(0, 10);
if (name.startsWith("bulk-")) {
    int count = Integer.parseInt(name.substring(5));
    out.print("{\"Data\":[");
    for (int index = 0; index != count; ++index) {
        if (index != 0)
            out.print(',');
        out.print("{\"EndTime\":\"" + day + " 11:34:15\",\"BackupJobMode\":\"S\",\"ID\":\"" + index +
                  "\",\"BackupSetName\":\"nightly\",\"LoginName\":\"" + name + "\",\"Owner\":\"\",\"UserId\":\"1600000000000\"," +
                  "\"StartTime\":\"" + day + " 11:33:52\",\"BackupSetID\":\"1687750405259\"}");
    }
    out.print("],\"Status\":\"OK\"}");
} else if (name.startsWith("counters:")) {
    Seen them = by(name.substring(9));
    out.print("{\"Status\":\"OK\",\"Data\":[{\"ID\":\"" + them.sessions + "\",\"UserId\":\"" + them.requests +
              "\",\"BackupSetID\":\"" + them.encodings + "\"}]}");
} else if (name.equals("obm")) {
    out.print("{\"Data\":[{\"LoginName\":\"obm\",\"BackupSetName\":" + quoted(asked.getOrDefault("BackupSetID", "")) +
              ",\"StartTime\":\"" + day + " 11:33:52\",\"EndTime\":\"" + day + " 11;34:15\",\"BackupJobMode\":null}]," +
              "\"Status\":\"OK\"}");
} else {
    error(out, "User '" + name + "' does not exist");
}
%>
